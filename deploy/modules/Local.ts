import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import OpenLedger from "./OpenLedger.ts";

/** The protocol with a token that anyone can mint, for local chains. */
export default buildModule("Local", (m) => {
  const token = m.contract("TestToken", ["Test Dollar", "TUSD", 6]);
  return { ...m.useModule(OpenLedger), token };
});
