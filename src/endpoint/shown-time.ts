import type { ShownTime } from "../page/home-page.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");

/** compat(dex): to the second for machines, to the minute for people, both UTC. */
export function shownTime(ms: number): ShownTime {
  const at = new Date(ms);
  const day = `${two(at.getUTCDate())} ${months[at.getUTCMonth()] ?? ""} ${at.getUTCFullYear()}`;
  return {
    iso: `${at.toISOString().slice(0, 19)}Z`,
    text: `${day}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC`,
  };
}
