// Every English text of the page that brings a new phone to trust the box.

export const words = {
  title: "Step 1: trust this box",
  lead: "Before this phone can sign in, it has to know the box. It takes a minute, once.",
  state: {
    asking: "Asking whether this phone trusts the box …",
    trusted: "This phone trusts the box",
    trustedWhy: "Now step 2: scan the second code, the invitation. It lets you in.",
    open: "Open the sign-in page",
    not: "This phone does not trust the box yet",
    notWhy: "Follow the steps below. This page notices by itself when it is done.",
    lost: "The box does not answer",
    lostWhy: "Is this phone in the box's network? It will be tried again.",
  },
  which: "Which device is this?",
  device: { ios: "iPhone or iPad", android: "Android", computer: "Computer" },
  download: {
    ios: "Get the profile",
    android: "Get the certificate",
    computer: "Get the certificate",
  },
  steps: {
    ios: [
      ["Use Safari, and tap ‘Get the profile’. Answer ‘Allow’."],
      ["Open the Settings app, and tap ‘Profile Downloaded’ near the top. Before you install, tap ‘More Details’, then the certificate, and compare its SHA-256 fingerprint with the desk's screen."],
      ["Tap ‘Install’ and give the phone's passcode. It says ‘Not Verified’ or ‘Unsigned’: that is expected."],
      ["In Settings: General, About, at the bottom ‘Certificate Trust Settings’. Switch the lfrd authority on."],
      ["Come back to this page."],
    ],
    android: [
      ["Tap ‘Get the certificate’. If the browser warns of the download, choose to keep it."],
      ["Open the Settings app and search for ‘CA certificate’. (Security and privacy, More, Encryption and credentials, Install a certificate, CA certificate.)"],
      ["Tap ‘Install anyway’, give the phone's PIN, and choose lfrd-authority.crt among the downloads."],
      ["Search the settings for ‘Trusted credentials’, open ‘User’, tap the lfrd authority, and compare its SHA-256 fingerprint with the desk's screen."],
      ["Come back to this page, in Chrome or the phone's own browser."],
    ],
    computer: [
      ["Get the certificate."],
      ["Windows: open the file, Install Certificate, Local Machine, ‘Trusted Root Certification Authorities’. macOS: open it in Keychain Access and set it to ‘Always Trust’. Linux and ChromeOS: in the browser's settings, search for ‘certificates’, and import it under ‘Authorities’."],
      ["Firefox: Settings, Certificates, View Certificates, Authorities, Import; trust it for websites."],
      ["Compare the SHA-256 fingerprint that the system shows with the desk's screen, then come back to this page."],
    ],
  },
  fingerprint: "The fingerprint",
  fingerprintOf: (authority) => `SHA-256 of ‘${authority}’, as this page received it`,
  compareFirst: "Compare what this phone's own settings show with the desk's screen, not this page.",
  compareWhy:
    "This page comes without protection: somebody in the network could have exchanged the certificate, and the fingerprint here with it. The desk's screen cannot be changed that way. If the two differ, remove the certificate and tell the desk.",
  may: "What this allows",
  mayWhy:
    "The phone will accept this one box. The authority can vouch for no public site: its own certificate limits it to this box's names and to addresses in private networks. To undo it, remove it in the phone's settings.",
  failed: "This page could not load what it shows. Reload it; if that does not help, tell the desk.",
};
