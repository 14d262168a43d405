// The help beside each page of the portal, by the glossary in doc/portal.md: no word of a PKI's own.
const words = {
  close: "Close the help",
  first: "What to do",
  terms: "Words",
  related: "Go on to",
  keys: "Keys",
  keyList: "F1 or ?: Open and close this help\nTab: To the next field or button\nEsc: Close what lies over the page",
  topics: {
    devices: {
      title: "Help: My devices",
      what: "Here are the passes of all devices that you look after. With its pass a device shows who it is; without a valid one it is turned away.",
      first: "Look for passes that end soon.\nOpen a device by its name to fetch its pass, to renew it, or to report a loss.\nFor a new device choose “Ask for one”.",
      terms: "Device pass: a file on the device that says which one it is.\nEnds soon: less than 30 days are left. Renew it now.\nBlocked: nobody can use this pass any more.",
    },
    device: {
      title: "Help: One device",
      what: "Everything about the pass of one device: until when it is valid, and what you can do with it.",
      first: "See under “The pass” until when it is valid.\nRenew it in time, fetch the new one, and put it on the device.\nIf the device is gone, broken or replaced, report that: the pass is blocked at once.",
      terms: "Secret part: belongs to the pass and to this one device. Whoever has it can pretend to be the device.\nFetch: get the pass as files, to put them on the device.\nReport a loss: block the pass for ever.",
    },
    one: {
      title: "Help: Ask for one",
      what: "You ask for a pass for one device. Often it is ready at once; sometimes somebody has to agree first.",
      first: "Type the device's name, as it stands on its plate.\nChoose what the pass is for, and think of a password for the file.\nPress “Ask for it”, then fetch the file and put it on the device.",
      terms: "Password of the file: you enter it again on the device. Nobody can tell it to you later.\nRequest file: comes from a device that has made its secret part itself. Hand it in here.\nSeparate text files: for devices that take no file with a password. Keep them safe, and delete them afterwards.",
    },
    many: {
      title: "Help: Ask for many",
      what: "You ask for passes for a whole list of devices, up to 5000 at a time.",
      first: "Choose the list as Excel saves it (CSV), or paste it: one name on each line.\nSay in which column the names are, and check the list.\nLeave out the lines that are wrong, or mend them in your list, then ask for the rest.",
      terms: "CSV: a list as a text file. In Excel: “Save as”, then choose CSV.\nHeading: the first line, when it says what stands in the columns.\nArchive: one file with all passes in it, and a list that says which belongs to which device.",
    },
    asked: {
      title: "Help: What you asked for",
      what: "How far your request is, and the files as soon as they are there. You can close the page: the work goes on.",
      first: "Wait until it says “Ready to be fetched”.\nFetch the files, and put them on the devices.\nLook at the lines that failed: each says why.",
      terms: "Somebody has to agree: a person looks at it first. Then it goes on by itself.\nReady to be fetched: the files are there for you, for 14 days.\nFailed: there is no pass for this line. You can ask again.",
    },
    waiting: {
      title: "Help: What waits",
      what: "What you asked for that waits for somebody's yes, what was decided, and all your requests.",
      first: "See for whom it waits, and ask that person if it is urgent.\nWithdraw what you no longer need.\nOpen a request to fetch its files.",
      terms: "Somebody's yes: before some passes are made, another person has to agree.\nWithdraw: your request ends, and nobody has to look at it any more.\nDecided: somebody has said yes or no. What was said stands beside it.",
    },
    account: {
      title: "Help: My account",
      what: "How you sign in, and where you are signed in now.",
      first: "End sign-ins that you don't know, and change your password then.\nSet the second step up anew when you get another phone.\nKeep the codes for emergencies apart from your phone.",
      terms: "Second step: six digits from an app on your phone. A stolen password alone opens nothing.\nCodes for emergencies: each lets you in once, without your phone.\nRole: what your account may do.",
    },
  },
};

export default words;
