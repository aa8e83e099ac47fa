import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import OpenLedger, { ROLES } from "./OpenLedger.ts";

/**
 * The protocol in the hands of `admin`, a multisig say, whose every act as admin must be scheduled and waits for
 * `adminDelay` seconds. The deployer keeps nothing.
 */
export default buildModule("Production", (m) => {
  const deployer = m.getAccount(0);
  const admin = m.getParameter("admin");
  const adminDelay = m.getParameter("adminDelay");
  const protocol = m.useModule(OpenLedger);
  const { manager } = protocol;
  const call = { from: deployer, after: [OpenLedger] };
  const granted = m.call(manager, "grantRole", [ROLES.admin, admin, adminDelay], { ...call, id: "admin_grant" });
  m.call(manager, "renounceRole", [ROLES.admin, deployer], { from: deployer, after: [granted], id: "admin_renounce" });
  return protocol;
});
