"""What must last: SQLite behind one writer, with the alert log, the officers and the deployments."""
