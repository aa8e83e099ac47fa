import { OpenLedgerError } from "../../../../sdk/errors.ts";

/** By the code and the words of an error. */
const ADVICE: [RegExp, string][] = [
  [/^WALLET_MISSING /, "Choose an account at the top right; Customer is made for this."],
  [/^VOUCHER_DEPOSIT /, "Your deposit does not cover this call. Add to it beside, then send again."],
  [
    /^VOUCHER_AMOUNT /,
    "The server has charged this account more in this epoch than this browser knows of: it was used from another browser. " +
      "Go on there, or wait for the next epoch. Nothing was charged.",
  ],
  [/^VOUCHER_EPOCH /, "An epoch ended just now. Send again. Nothing was charged."],
  [
    /^(RECEIPT_MISMATCH|RECEIPT_MALFORMED|SIGNATURE_\S+ The Receipt)/,
    "Do not pay this server again before its owner has explained it.",
  ],
  [
    /^(VOUCHER|SIGNATURE)_/,
    "The server did not take the voucher. Nothing was charged. Reload this page and send again.",
  ],
  [/^FEE_TOO_HIGH /, "The server asks for more than the price shown. Nothing was signed. Wait for the new price."],
  [/^(ENGINE_BUSY|RATE_LIMIT) /, "The server is busy. Nothing was charged. Send again in a minute."],
  [
    /^MODEL_CLOSED /,
    "The model takes no fees now. Its owner must open an epoch, on the model's page in the Model Factory.",
  ],
  [/^STUDIO_CHILD /, "The model's server does not run; it is started again by itself. Send again in a minute."],
  [/^RECEIPT_MISSING /, "Without a receipt the call counts here as if it had cost the most it could."],
];

/** What to do about a call that failed, where the error's own words do not say it. */
export const advice = (error: unknown): string | undefined =>
  error instanceof OpenLedgerError
    ? ADVICE.find(([begins]) => begins.test(`${error.code} ${error.message}`))?.[1]
    : undefined;
