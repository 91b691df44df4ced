/** `back` if it is a rooted path of our own origin, else "": an open redirect would lend phishers our name. */
export function safeBackLink(back: string): string {
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(back) || back.includes("\\")) return "";
  const base = "https://own.invalid";
  if (!URL.canParse(back, base)) return "";
  return new URL(back, base).origin === base ? back : "";
}
