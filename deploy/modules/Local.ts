import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import OpenLedger from "./OpenLedger.ts";

/** The protocol with a token that anyone can mint, for local chains. */
export default buildModule("Local", (m) => {
  const token = m.contract("TestToken", ["Test Dollar", "TUSD", 6]);
  const protocol = m.useModule(OpenLedger);
  m.call(protocol.splitter, "setTokens", [[token], true], { from: m.getAccount(0) });
  return { ...protocol, token };
});
