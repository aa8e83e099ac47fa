import { readFileSync } from "node:fs";
import { Wallet } from "ethers";
import { OpenLedgerError } from "../../sdk/errors.ts";

/**
 * The operator's private key, from `OPENLEDGER_OPERATOR_KEY` or from an encrypted keystore opened with
 * `OPENLEDGER_KEYSTORE_PASSWORD`.
 * @throws OpenLedgerError `OPERATOR_KEY`
 */
export async function operatorKey(keystore: string | undefined): Promise<string> {
  const { OPENLEDGER_OPERATOR_KEY: key, OPENLEDGER_KEYSTORE_PASSWORD: password } = process.env;
  const fail = (message: string, cause?: unknown) => new OpenLedgerError("OPERATOR_KEY", message, { cause });
  if (key !== undefined)
    try {
      return new Wallet(key).privateKey;
    } catch {
      // The cause is left out: it could quote the key.
      throw fail("OPENLEDGER_OPERATOR_KEY is no private key. Set it to 32 bytes in hexadecimal.");
    }
  if (keystore === undefined)
    throw fail("There is no key. Set OPENLEDGER_OPERATOR_KEY, or name a keystore file as `keystore`.");
  if (password === undefined)
    throw fail(`The keystore ${keystore} needs its password. Set OPENLEDGER_KEYSTORE_PASSWORD.`);
  try {
    return (await Wallet.fromEncryptedJson(readFileSync(keystore, "utf8"), password)).privateKey;
  } catch (cause) {
    throw fail(`The keystore ${keystore} cannot be opened. Check the file and OPENLEDGER_KEYSTORE_PASSWORD.`, cause);
  }
}
