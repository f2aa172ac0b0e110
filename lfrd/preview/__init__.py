"""The live picture of a camera for officers who watch, with every face hidden that has no standing alert."""
