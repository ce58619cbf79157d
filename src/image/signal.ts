// Whether a text names a signal, as STOPSIGNAL and the API accept it: "SIGTERM", "term", "15", "SIGRTMIN+3".

import { constants } from "node:os";
import { HoyError } from "../base/error.ts";

/** @throws HoyError "invalid" `invalid signal: …` */
export function checkSignal(text: string): void {
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= 64) return;
  } else {
    const name = `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
    const realTime = /^SIGRT(?:MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)$/.exec(name);
    if (realTime !== null && Number(realTime[1] ?? 0) <= 15 && Number(realTime[2] ?? 0) <= 14) return;
    if (Object.hasOwn(constants.signals, name)) return;
  }
  throw new HoyError("invalid", `invalid signal: ${text}`);
}
