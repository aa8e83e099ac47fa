import { dataSlice, id as ethersId, getBytes, hexlify, ZeroAddress } from "ethers";
import { DEFAULTS, FUNCTIONS, LOCKERS, ROLES } from "../deploy/modules/OpenLedger.ts";
import { LOCAL_PARAMETERS, type Parameters, readParameters } from "../deploy/parameters.ts";
import { CONTRACTS, type ContractName, contractName } from "../sdk/abi.ts";
import { accessManager, type Protocol, pauseSwitch, protocol, sketchDisputes } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type Deployment, readDeployment } from "./deployment.ts";
import { functionRoles, heldRoles, roleName, scheduledOperations } from "./roles-view.ts";
import { action, type Context, type Options } from "./run.ts";

/** One thing that was read back, beside what the parameters ask for. */
type Check = { check: string; expected: string; found: string };

export const holds = ({ expected, found }: Check): boolean => expected.toLowerCase() === found.toLowerCase();

export const check = action<Options & { parameters: string | undefined }>(async (args, context) => {
  const deployment = await readDeployment(args, context);
  const path = args.parameters ?? (context.chainId === 31337 ? LOCAL_PARAMETERS : undefined);
  if (path === undefined)
    throw new OpenLedgerError("PARAMETERS_MISSING", "parameters: name the file that this was deployed with.");
  const parameters = readParameters(path);
  const contracts = protocol(deployment.addresses, context.provider);
  const deployer = await deployerOf(contracts);
  const code = await codes(deployment, context);
  const checks = (
    code.every(holds) // other code cannot be asked
      ? [
          ...code,
          ...(await links(deployment, contracts, context)),
          ...(await settings(deployment, contracts, parameters, deployer)),
          ...(await powers(deployment, contracts, parameters, deployer)),
        ]
      : code
  ).map((one) => ({ ...one, ok: holds(one) }));
  const drifted = checks.filter(({ ok }) => !ok);
  const held = (await heldRoles(contracts)).filter(({ account }) => account === deployer);
  const power = held
    .map(({ role }) => role)
    .toSorted(byNumber)
    .map(roleName);
  return {
    parameters: path,
    deployer,
    rolesOfDeployer: power.join(", ") || "none",
    scheduled: await scheduledOperations(contracts, deployment.addresses),
    checks,
    message: `All ${checks.length} checks hold. The deployer ${power.includes("admin") ? "is still the admin" : "is no admin"}.`,
    ...(drifted.length > 0 && {
      message: `${drifted.length} of ${checks.length} checks differ.`,
      failure: new OpenLedgerError(
        "DEPLOYMENT_DRIFT",
        `deployment: not as ${path} has it: ${drifted.map((one) => one.check).join(", ")}. Correct the chain, or the file if the change was meant.`,
      ),
    }),
  };
});

const byNumber = (a: bigint, b: bigint) => Number(a - b);

/** Who deployed: the manager's first admin. */
async function deployerOf(contracts: Protocol): Promise<string> {
  const manager = await accessManager(contracts);
  const [first] = await manager.queryFilter(manager.filters.RoleGranted(ROLES.admin));
  return first!.args.account;
}

/** That each contract runs the code that was compiled here, whatever its constructor put into it. */
export async function codes({ addresses }: Deployment, { hre, provider }: Context): Promise<Check[]> {
  const known = Object.entries(addresses).filter(([name]) => (CONTRACTS as string[]).includes(name));
  return Promise.all(
    known.map(async ([name, address]) => {
      const expected = contractName(name as ContractName);
      const artifact = await hre.artifacts.readArtifact(expected);
      const references = Object.values(artifact.immutableReferences ?? {}).flat();
      const without = (code: string) => {
        const bytes = getBytes(code);
        for (const { start, length } of references) bytes.fill(0, start, start + length);
        return hexlify(bytes);
      };
      const code = await provider.getCode(address);
      const same = without(code) === without(artifact.deployedBytecode);
      return {
        check: `code of ${name}`,
        expected,
        found: same ? expected : `other code, of ${code.length / 2 - 1} bytes`,
      };
    }),
  );
}

/** That the contracts name each other. */
async function links({ addresses }: Deployment, contracts: Protocol, { provider }: Context): Promise<Check[]> {
  const { operators, attribution, verifier, splitter, escrow, disputes, committee } = contracts;
  const pauses = await pauseSwitch(contracts);
  const named: [string, keyof Deployment["addresses"], Promise<string>][] = [
    ["splitter.authority", "manager", splitter.authority()],
    ["verifier.authority", "manager", verifier.authority()],
    ["operators.authority", "manager", operators.authority()],
    ["pauses.authority", "manager", pauses.authority()],
    ["splitter.models", "models", splitter.models()],
    ["splitter.attribution", "attribution", splitter.attribution()],
    ["splitter.verifier", "verifier", splitter.verifier()],
    ["splitter.operators", "operators", splitter.operators()],
    ["splitter.disputes", "disputes", splitter.disputes()],
    ["splitter.pauses", "pauses", splitter.pauses()],
    ["splitter.escrow", "escrow", splitter.escrow()],
    ["escrow.splitter", "splitter", escrow.splitter()],
    ["verifier.REGISTRY", "attribution", verifier.REGISTRY()],
    ["attribution.DATANETS", "datanets", attribution.DATANETS()],
    ["attribution.MODELS", "models", attribution.MODELS()],
    ["attribution.DISPUTES", "sketchDisputes", attribution.DISPUTES()],
    ["disputes.authority", "manager", disputes.authority()],
    ["disputes.splitter", "splitter", disputes.splitter()],
    ["disputes.committee", "committee", disputes.committee()],
    ["disputes.judge", "judge", disputes.judge()],
    ["committee.authority", "manager", committee.authority()],
    ["committee.operators", "operators", committee.operators()],
  ];
  const read = named.map(async ([check, name, found]) => ({ check, expected: addresses[name]!, found: await found }));
  // These have no getter: an immutable stands in the code.
  const inside = (
    [
      ["datanets", "pauses"],
      ["models", "pauses"],
      ["escrow", "pauses"],
      ["models", "datanets"],
    ] as const
  ).map(async ([holder, name]) => {
    const expected = addresses[name];
    const named = (await provider.getCode(addresses[holder])).includes(expected.slice(2).toLowerCase());
    return { check: `${name} in ${holder}`, expected, found: named ? expected : "another" };
  });
  return Promise.all([...read, ...inside]);
}

/** What constructors were given, which payments are taken in, and who may slash. */
async function settings(
  { addresses }: Deployment,
  contracts: Protocol,
  { OpenLedger: given }: Parameters,
  deployer: string,
): Promise<Check[]> {
  const bondToken = addresses.token ?? ZeroAddress;
  const expected = { treasury: deployer, bondToken, ...DEFAULTS, ...given };
  const { splitter, escrow, operators, attribution, committee, disputes } = contracts;
  const timing = await splitter.timing();
  const activation = await (await sketchDisputes(contracts)).activation();
  const tauG2 = [...(await attribution.tauG2())];
  const set = await splitter.queryFilter(splitter.filters.TokenSet());
  const tokens = new Set(set.map(({ args }) => args.token));
  const accepted: string[] = [];
  for (const token of tokens) if (await splitter.acceptsToken(token)) accepted.push(token);
  const listed = [...expected.tokens, ...(addresses.token ? [addresses.token] : [])];
  const bound = (await operators.queryFilter(operators.filters.LockersBound())).flatMap(({ args }) => [
    ...args.lockers,
  ]);
  const lockers = LOCKERS.map((name) => addresses[name]);
  const words = (list: readonly string[]) =>
    list
      .map((one) => one.toLowerCase())
      .toSorted()
      .join(", ") || "none";
  return [
    { check: "treasury", expected: expected.treasury, found: await splitter.treasury() },
    { check: "thawPeriod", expected: `${expected.thawPeriod} s`, found: `${await escrow.thawPeriod()} s` },
    { check: "bondThawPeriod", expected: `${expected.bondThawPeriod} s`, found: `${await operators.thawPeriod()} s` },
    ...Object.entries(expected.timing).map(([name, seconds]) => ({
      check: `timing.${name}`,
      expected: `${seconds} s`,
      found: `${timing[name as keyof typeof expected.timing]} s`,
    })),
    ...Object.entries(expected.activation).map(([name, value]) => ({
      check: `activation.${name}`,
      expected: String(value),
      found: String(activation[name as keyof typeof expected.activation]),
    })),
    { check: "bondFactor", expected: String(expected.bondFactor), found: String(await splitter.bondFactor()) },
    { check: "bondToken", expected: expected.bondToken, found: await committee.bondToken() },
    { check: "auditorBond", expected: String(expected.auditorBond), found: String(await committee.auditorBond()) },
    { check: "commitPeriod", expected: `${expected.commitPeriod} s`, found: `${await committee.commitPeriod()} s` },
    { check: "revealPeriod", expected: `${expected.revealPeriod} s`, found: `${await committee.revealPeriod()} s` },
    { check: "quorum", expected: String(expected.quorum), found: String(await committee.quorum()) },
    { check: "demandBps", expected: String(expected.demandBps), found: String(await disputes.demandBps()) },
    { check: "hash of tauG2", expected: ethersId(expected.tauG2.join()), found: ethersId(tauG2.join()) },
    { check: "tokens", expected: words(listed), found: words(accepted) },
    { check: "lockers", expected: words(lockers), found: words(bound) },
  ];
}

/** Who may do what, and how long that waits. */
async function powers(
  { addresses }: Deployment,
  contracts: Protocol,
  { OpenLedger: given, Production: production }: Parameters,
  deployer: string,
): Promise<Check[]> {
  const manager = await accessManager(contracts);
  const holders = {
    admin: production ? `${production.admin} (${production.adminDelay} s)` : `${deployer} (0 s)`,
    operator: `${given.operator ?? deployer} (0 s)`,
    guardian: `${given.guardian ?? deployer} (0 s)`,
    auditor: `${given.auditor ?? deployer} (0 s)`,
    cases: `${addresses.disputes} (0 s)`,
  };
  const held = await heldRoles(contracts);
  const roles = new Set([...Object.values(ROLES), ...held.map(({ role }) => role)]);
  const checks: Check[] = [];
  for (const role of roles) {
    const name = roleName(role);
    const found = held.filter((one) => one.role === role).map(({ account, words }) => `${account} (${words})`);
    const expected = holders[name as keyof typeof holders] ?? "none";
    checks.push({ check: `role ${name}`, expected, found: found.toSorted().join(", ") || "none" });
    const grantDelay = await manager.getRoleGrantDelay(role);
    checks.push({ check: `grant delay of ${name}`, expected: "0 s", found: `${grantDelay} s` });
    for (const [what, holder] of [
      ["admin", await manager.getRoleAdmin(role)],
      ["guardian", await manager.getRoleGuardian(role)],
    ] as const)
      checks.push({ check: `${what} of ${name}`, expected: "admin", found: roleName(holder) });
  }
  const opened = await functionRoles(contracts, addresses);
  const asked = FUNCTIONS.map(({ contract, signature, role }) => ({
    key: `${contract} ${dataSlice(ethersId(signature), 0, 4)}`,
    name: `${contract}.${signature.split("(")[0]}`,
    role,
  }));
  for (const { key, name, role } of asked)
    checks.push({ check: name, expected: role, found: opened.find((one) => one.key === key)?.role ?? "admin" });
  for (const { key, contract, function: name, role } of opened)
    if (role !== "admin" && !asked.some((one) => one.key === key))
      checks.push({ check: `${contract}.${name}`, expected: "admin", found: role });
  for (const name of ["manager", "pauses", "operators", "verifier", "splitter", "committee", "disputes"] as const) {
    const [closed, delay] = [
      await manager.isTargetClosed(addresses[name]),
      await manager.getTargetAdminDelay(addresses[name]),
    ];
    checks.push({ check: `${name} open`, expected: "yes", found: closed ? "closed by the admin" : "yes" });
    checks.push({ check: `admin delay of ${name}`, expected: "0 s", found: `${delay} s` });
  }
  return checks;
}
