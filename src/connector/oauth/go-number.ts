/**
 * A number as Go's `%v` prints a double: the shortest digits that are that number, in scientific notation from a million
 * up and below a ten-thousandth. User ids of Dex look like that (`1.2345678e+07`), and every `sub` depends on them.
 * compat(dex): connector/oauth, fmt.Sprintf.
 */
export function goNumber(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const [, mantissa = "", sign = "", digits = ""] = /^(.+)e([+-])(\d+)$/.exec(value.toExponential()) ?? [];
  const exponent = Number(`${sign}${digits}`);
  const isPlain = exponent >= -4 && exponent < 6;
  return isPlain ? String(value) : `${mantissa}e${sign}${digits.padStart(2, "0")}`;
}
