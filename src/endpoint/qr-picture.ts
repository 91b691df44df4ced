/** `text` as a picture for a phone's camera: a `data:` address. */
export async function pictureOf(text: string): Promise<string> {
  const qr = await import("qrcode");
  const svg = await qr.toString(text, { type: "svg", errorCorrectionLevel: "M", margin: 2 });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
