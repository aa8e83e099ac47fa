import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import OpenLedger from "./OpenLedger.ts";

/** What the operator has bonded: a million dollars. */
const BOND = 10n ** 12n;

/** The protocol with a token that anyone can mint, and its operator bonded in it, for local chains. */
export default buildModule("Local", (m) => {
  const from = m.getAccount(0);
  const operator = m.getParameter("operator", from);
  const bond = m.getParameter("bond", BOND);
  const token = m.contract("TestToken", ["Test Dollar", "TUSD", 6]);
  const protocol = m.useModule(OpenLedger);
  const { splitter, operators } = protocol;
  m.call(splitter, "setTokens", [[token], true], { from });

  const lockers = m.call(operators, "bindLockers", [[splitter]], { from });
  // STAND-IN until EpochDisputes is deployed: the authority's own account decides disputes.
  m.call(splitter, "bindDisputes", [from], { from });

  const minted = m.call(token, "mint", [from, bond], { from });
  const approved = m.call(token, "approve", [operators, bond], { from, after: [minted] });
  m.call(operators, "bond", [operator, token, bond], { from, after: [lockers, approved] });
  return { ...protocol, token };
});
