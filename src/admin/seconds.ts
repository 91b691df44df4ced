import { unsetTime } from "../storage/records.ts";

/** Seconds since 1970, as the wire speaks them; 0 for a time that is not set. */
export const seconds = (time: number): number => (time === unsetTime ? 0 : Math.floor(time / 1000));
