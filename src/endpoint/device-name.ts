/** The first that fits names the browser: most claim to be several others too. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|OPT|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bVersion\/\d.* Safari\//, "Safari"],
  [/^curl\//, "curl"],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

const nameIn = (list: typeof browsers, userAgent: string): string =>
  list.find(([pattern]) => pattern.test(userAgent))?.[1] ?? "";

/** Browsers say it in 300 characters; a header has room for a quarter of a million, and patterns look back. */
const longest = 1024;

/** What a person would call the device behind a `User-Agent`, "Firefox · Linux"; empty when it does not tell. */
export function deviceName(userAgent: string): string {
  const told = userAgent.slice(0, longest);
  return [nameIn(browsers, told), nameIn(systems, told)].filter((part) => part !== "").join(" · ");
}
