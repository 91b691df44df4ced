/** A piece of XML that is already escaped. */
export interface XmlText {
  readonly xml: string;
}

type Slot = string | undefined | XmlText | readonly XmlText[];

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#x9;",
  "\n": "&#xA;",
  "\r": "&#xD;",
};

function slot(value: Slot): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value.replace(/[&<>"\t\n\r]/g, (character) => escapes[character] ?? character);
  return "xml" in value ? value.xml : value.map(({ xml: text }) => text).join("");
}

/** XML with its slots escaped, in elements and in attributes with double quotes alike. Absent slots are empty. */
export const xml = (parts: TemplateStringsArray, ...slots: readonly Slot[]): XmlText => ({
  xml: parts.reduce((text, part, index) => text + slot(slots[index - 1]) + part),
});

/** Nothing. */
export const noXml: XmlText = { xml: "" };
