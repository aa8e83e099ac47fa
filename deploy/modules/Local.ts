import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { openLedger } from "./OpenLedger.ts";

/** What the operator has bonded: a million dollars. */
const BOND = 10n ** 12n;

/**
 * The protocol with a token that anyone can mint, and its operator bonded in it, for local chains. Its parameters are
 * those of `OpenLedger`, and `bond`.
 */
export default buildModule("OpenLedger", (m) => {
  const from = m.getAccount(0);
  const operator = m.getParameter("operator", from);
  const bond = m.getParameter("bond", BOND);
  const token = m.contract("TestToken", ["Test Dollar", "TUSD", 6]);
  const { contracts, bound } = openLedger(m, token);
  const { splitter, operators } = contracts;
  m.call(splitter, "setTokens", [[token], true], { from, id: "local_token" });

  const minted = m.call(token, "mint", [from, bond], { from });
  const approved = m.call(token, "approve", [operators, bond], { from, after: [minted] });
  m.call(operators, "bond", [operator, token, bond], { from, after: [bound, approved] });
  return { ...contracts, token };
});
