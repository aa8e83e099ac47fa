import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { openLedger } from "./OpenLedger.ts";

/** The protocol with a token that anyone can mint, for local chains; its parameters are those of `OpenLedger`. */
export default buildModule("OpenLedger", (m) => {
  const token = m.contract("TestToken", ["Test Dollar", "TUSD", 6]);
  const protocol = openLedger(m, token);
  m.call(protocol.splitter, "setTokens", [[token], true], { from: m.getAccount(0), id: "local_token" });
  return { ...protocol, token };
});
