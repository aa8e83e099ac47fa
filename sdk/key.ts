import { readFileSync } from "node:fs";
import { Wallet } from "ethers";
import { OpenLedgerError } from "./errors.ts";

/**
 * A program's private key, from the environment variable `name` or from an encrypted keystore opened with
 * `OPENLEDGER_KEYSTORE_PASSWORD`.
 * @throws OpenLedgerError `KEY_INVALID`, which quotes no part of the key.
 */
export async function readKey(name: string, keystore: string | undefined): Promise<string> {
  const { [name]: key, OPENLEDGER_KEYSTORE_PASSWORD: password } = process.env;
  const fail = (message: string, cause?: unknown) => new OpenLedgerError("KEY_INVALID", message, { cause });
  if (key !== undefined)
    try {
      return new Wallet(key).privateKey;
    } catch {
      // The cause is left out: it could quote the key.
      throw fail(`${name} is no private key. Set it to 32 bytes in hexadecimal.`);
    }
  if (keystore === undefined) throw fail(`There is no key. Set ${name}, or name a keystore file.`);
  if (password === undefined)
    throw fail(`The keystore ${keystore} needs its password. Set OPENLEDGER_KEYSTORE_PASSWORD.`);
  try {
    return (await Wallet.fromEncryptedJson(readFileSync(keystore, "utf8"), password)).privateKey;
  } catch (cause) {
    throw fail(`The keystore ${keystore} cannot be opened. Check the file and OPENLEDGER_KEYSTORE_PASSWORD.`, cause);
  }
}
