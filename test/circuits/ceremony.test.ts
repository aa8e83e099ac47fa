import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { buildBn128 } from "ffjavascript";
import { powersOfTau, zKey } from "snarkjs";
import { Bn254, G1_BYTES, G2_BYTES } from "../../circuits/bn254.ts";
import { readContributions } from "../../circuits/ceremony/contributions.ts";
import { exportKey, findExport, openExport, verifyExport } from "../../circuits/ceremony/exported.ts";
import { beacon, contribute, initialKey, setup } from "../../circuits/ceremony/phase2.ts";
import { blake2b, openPowers, type Powers, readSrs } from "../../circuits/ceremony/powers.ts";
import { verifyKey } from "../../circuits/ceremony/verify.ts";
import { compileCircuit } from "../../circuits/compile.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { sectionTable } from "../../circuits/setup/binary.ts";
import { devKey } from "../../circuits/setup/dev.ts";
import { HEADER_SIZES, SECTION } from "../../circuits/setup/zkey.ts";
import { stopProver } from "../../prover/groth16.ts";
import { outcome } from "../prover/samples.ts";
import { BEACON, CEREMONY_INSTANCE, holdCeremony } from "../support/ceremony.ts";

describe("key ceremony", function () {
  this.timeout(300_000);

  let folder: string;
  let held: Awaited<ReturnType<typeof holdCeremony>>;
  let powers: Powers;
  let count = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "openledger-ceremony-test-"));
    held = await holdCeremony(folder);
    powers = held.powers;
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await stopProver();
  });

  const fresh = () => join(folder, `copy${count++}`);
  const verdict = (zkey: string, options = {}) => quiet(verifyKey(zkey, CEREMONY_INSTANCE, powers, options));

  /** A copy of a file with the bytes of a section changed. */
  function changed(path: string, id: number, change: (section: Buffer) => void): string {
    const bytes = readFileSync(path);
    const { position, size } = sectionTable(path, "zkey").get(id)!;
    change(bytes.subarray(position, position + size));
    const copy = fresh();
    writeFileSync(copy, bytes);
    return copy;
  }

  describe("a key", () => {
    it("is accepted with its contributions and beacon, which it lists as snarkjs reported them", async () => {
      const { contributions, verifying, vkId } = await verifyKey(held.final, CEREMONY_INSTANCE, powers);
      expect(contributions).to.deep.equal(held.contributions);
      expect(contributions.map(({ name }) => name)).to.deep.equal(["Alice", "Bob", "beacon"]);
      expect(contributions.map((one) => one.beacon)).to.deep.equal([undefined, undefined, BEACON]);
      expect(verifying.chunkRows).to.equal(210);
      expect(vkId).not.to.match(/^0x646576/); // "dev"
      const again = fresh();
      const reported = await zKey.contribute(held.first, again, "Carol", "entropy");
      expect((await readContributions(again)).at(-1)!.hash).to.equal(Buffer.from(reported).toString("hex"));
    });

    it("differs from ceremony to ceremony: contributions are random", async () => {
      const again = await contribute(held.initial, fresh(), "Alice");
      expect(again.hash).not.to.equal(held.contributions[0]!.hash);
    });

    it("is accepted before the end only where that is asked for", async () => {
      for (const key of [held.initial, held.first, held.second])
        expect(await verdict(key, { unfinished: true })).to.equal("accepted");
      expect(await verdict(held.initial)).to.equal("CEREMONY_CONTRIBUTIONS");
      expect(await verdict(held.second)).to.equal("CEREMONY_BEACON");
    });

    it("is refused with a beacon as its only contribution", async () => {
      const alone = fresh();
      await beacon(held.initial, alone, BEACON.value, BEACON.iterationsExponent);
      expect(await verdict(alone)).to.equal("CEREMONY_CONTRIBUTIONS");
    });

    it("is refused with a contribution changed, left out, or renamed as another's beacon", async () => {
      const first = 64 + 4; // after the circuit's hash and the count
      const key = changed(held.final, SECTION.contributions, (section) => {
        // g1_s and g1_sx of the first contribution in each other's place
        const s = Buffer.from(section.subarray(first + G1_BYTES, first + 2 * G1_BYTES));
        section.copyWithin(first + G1_BYTES, first + 2 * G1_BYTES, first + 3 * G1_BYTES);
        s.copy(section, first + 2 * G1_BYTES);
      });
      expect(await verdict(key)).to.equal("CEREMONY_TRANSCRIPT");
      const other = changed(held.final, SECTION.contributions, (section) => {
        section.fill(0xab, section.length - 32); // the beacon's value
      });
      expect(await verdict(other)).to.equal("CEREMONY_TRANSCRIPT");
      const fewer = changed(held.final, SECTION.contributions, (section) => {
        const one = first + 3 * G1_BYTES + G2_BYTES + 64 + 4 + 4 + 2 + "Alice".length;
        section.copyWithin(first, one);
        section.writeUInt32LE(2, 64);
      });
      expect(await verdict(fewer)).to.equal("CEREMONY_TRANSCRIPT");
    });

    it("is refused with points that its contributions did not make", async () => {
      for (const section of [SECTION.ic, SECTION.coefficients, SECTION.a, SECTION.b2, SECTION.c, SECTION.h]) {
        const size = section === SECTION.b2 ? G2_BYTES : G1_BYTES;
        const key = changed(held.final, section, (bytes) => {
          const point = (i: number) => bytes.subarray(i * size, (i + 1) * size);
          let i = 1;
          while (point(i).equals(point(i + 1))) i++; // of some signals B is zero
          const other = Buffer.from(point(i));
          point(i + 1).copy(bytes, i * size);
          other.copy(bytes, (i + 1) * size);
        });
        expect(await verdict(key), `section ${section}`).to.equal("CEREMONY_TRANSCRIPT");
      }
    });

    it("#13 is refused with a γ2 that is not the generator, and with δ2 = γ2", async () => {
      const beta2 = HEADER_SIZES + 2 * G1_BYTES;
      const [gamma2, delta2] = [beta2 + G2_BYTES, beta2 + 2 * G2_BYTES + G1_BYTES];
      const doubled = changed(held.final, SECTION.header, (header) => {
        header.copyWithin(gamma2, beta2, beta2 + G2_BYTES);
      });
      expect(await verdict(doubled)).to.equal("CEREMONY_GAMMA");
      const plain = changed(held.final, SECTION.header, (header) => {
        header.copyWithin(delta2, gamma2, gamma2 + G2_BYTES);
      });
      expect(await verdict(plain)).to.equal("CEREMONY_CONTRIBUTIONS");
    });

    it("is refused where it is another circuit's", async () => {
      const circuit = await compileCircuit(CEREMONY_INSTANCE);
      const r1cs = fresh();
      // One coefficient of a constraint doubled: as many signals and constraints, another relation.
      const bytes = readFileSync(circuit.r1cs);
      const { position } = sectionTable(circuit.r1cs, "r1cs").get(2)!;
      bytes.writeUInt8(bytes[position + 8]! ^ 2, position + 8);
      writeFileSync(r1cs, bytes);
      const [first, final] = [fresh(), fresh()];
      await contribute(await initialKey({ ...circuit, r1cs }, powers), first, "Alice");
      await beacon(first, final, BEACON.value, BEACON.iterationsExponent);
      expect(await verdict(final)).to.equal("CEREMONY_CIRCUIT");
      expect(await quiet(verifyKey(held.final, INSTANCES.r1260, powers))).to.equal("POWERS_TOO_SMALL");
    });

    it("is refused where it is a development key", async () => {
      expect(await verdict((await devKey(CEREMONY_INSTANCE)).zkey)).to.equal("CEREMONY_DEVELOPMENT");
    });

    it("is refused cut off, with bytes behind it, or with a section twice", async () => {
      const bytes = readFileSync(held.final);
      const [cut, longer, twice] = [fresh(), fresh(), fresh()];
      writeFileSync(cut, bytes.subarray(0, bytes.length - 10));
      writeFileSync(longer, Buffer.concat([bytes, Buffer.alloc(3)]));
      const entry = Buffer.alloc(12);
      entry.writeUInt32LE(SECTION.h);
      const copy = Buffer.concat([bytes, entry]);
      copy.writeUInt32LE(11, 8);
      writeFileSync(twice, copy);
      for (const path of [cut, longer, twice]) expect(await verdict(path)).to.equal("ZKEY_FORMAT");
      expect(await quiet(contribute(cut, fresh(), "Alice"))).to.equal("ZKEY_FORMAT");
    });
  });

  it("refuses a beacon without value or with too few hashes, and to overwrite a file", async () => {
    for (const [value, exponent] of [
      ["", 10],
      ["0x0b", 10],
      ["0b", 9],
      ["0b", 64],
    ] as const)
      expect(await quiet(beacon(held.second, fresh(), value, exponent))).to.equal("BEACON_INVALID");
    expect(await quiet(contribute(held.initial, held.first, "Mallory"))).to.equal("KEY_EXISTS");
  });

  it("refuses powers of tau of another hash than is published or named", async () => {
    expect(await quiet(openPowers(powers.path))).to.equal("POWERS_HASH");
    expect(await quiet(openPowers(powers.path, "00".repeat(64)))).to.equal("POWERS_HASH");
    const cut = fresh();
    writeFileSync(cut, readFileSync(powers.path).subarray(0, 1_000_000));
    expect(await quiet(openPowers(cut, powers.blake2b))).to.equal("POWERS_HASH");
    expect(await quiet(openPowers(cut, await blake2b(cut)))).to.equal("PTAU_FORMAT");
  });

  it("takes the powers of a phase 1 that snarkjs held", async () => {
    const [start, first, last, prepared] = [fresh(), fresh(), fresh(), fresh()];
    await powersOfTau.newAccumulator(await buildBn128(), 8, start);
    await powersOfTau.contribute(start, first, "Alice", "entropy");
    await powersOfTau.beacon(first, last, "beacon", BEACON.value, 10);
    await powersOfTau.preparePhase2(last, prepared);
    expect(await powersOfTau.verify(prepared)).to.equal(true);
    const { curve } = await Bn254.load();
    const own = await openPowers(prepared, await blake2b(prepared));
    const srs = await readSrs(own);
    expect(srs.powers.length).to.equal((2 ** 9 - 1) * G1_BYTES);
    expect(srs.development).to.equal(false);
    const point = (i: number) => srs.powers.slice(i * G1_BYTES, (i + 1) * G1_BYTES);
    const tau = (await Bn254.load()).rawG2(srs.tauG2);
    expect(await curve.pairingEq(point(510), curve.G2.gAffine, curve.G1.neg(point(509)), tau)).to.equal(true);
    expect(await quiet(setup(CEREMONY_INSTANCE, own, fresh()))).to.equal("POWERS_TOO_SMALL");
  });

  describe("an exported key", () => {
    let keys: string;
    let path: string;
    let id: string;

    before(async () => {
      keys = join(folder, "keys");
      const verified = await verifyKey(held.final, CEREMONY_INSTANCE, powers);
      id = verified.vkId;
      path = await exportKey(verified, powers, keys);
    });

    /** A copy of the folder with one file changed. */
    function altered(file: string, change: (bytes: Buffer) => Buffer): string {
      const copy = fresh();
      cpSync(path, copy, { recursive: true });
      writeFileSync(join(copy, file), change(readFileSync(join(copy, file))));
      return copy;
    }
    const replaced = (from: string | RegExp, to: string) =>
      altered("manifest.json", (bytes) => Buffer.from(bytes.toString().replace(from, to)));

    it("is found by its id, with the powers of its τ, and stands up to its ceremony", async () => {
      const { key, srs, vkId } = (await findExport(keys, id))!;
      expect(vkId).to.equal(id);
      expect(key.circuit.instance).to.equal(CEREMONY_INSTANCE);
      expect(srs).to.deep.equal(await readSrs(powers));
      expect(await findExport(keys, `0x${"12".repeat(32)}`)).to.equal(undefined);
      expect((await verifyExport(path, powers)).contributions).to.deep.equal(held.contributions);
    });

    it("is refused with constants, id or τ that are not the key's", async () => {
      const { alpha1 } = (await openExport(path)).verifying;
      const { tauG2 } = (await openExport(path)).srs;
      for (const copy of [
        replaced(String(alpha1[0]), String(alpha1[0] + 1n)),
        replaced(id, `0x${"12".repeat(32)}`),
        replaced(String(tauG2[3]), String(tauG2[2])),
        replaced('"chunkRows": 210,\n  "sha', '"chunkRows": 1260,\n  "sha'),
        replaced("{", "["),
      ])
        expect(await quiet(openExport(copy))).to.equal("KEY_FOLDER");
    });

    it("is refused with another key or other powers in it, or without them", async () => {
      const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length - 1);
      for (const file of ["key.zkey", "powers.bin"])
        expect(await quiet(openExport(altered(file, cut)))).to.equal("KEY_FOLDER");
      const other = altered("key.zkey", () => readFileSync(held.second));
      expect(await quiet(openExport(other))).to.equal("KEY_FOLDER");
      const without = altered("manifest.json", (bytes) => bytes);
      rmSync(join(without, "key.zkey"));
      expect(await quiet(openExport(without))).to.equal("KEY_FOLDER");
      const elsewhere = join(keys, `0x${"34".repeat(32)}`);
      cpSync(path, elsewhere, { recursive: true });
      expect(await quiet(findExport(keys, `0x${"34".repeat(32)}`))).to.equal("KEY_FOLDER");
    });

    it("is refused over other powers of tau than its own, and where it was exported without a beacon", async () => {
      expect(await quiet(verifyExport(path, { ...powers, blake2b: "00" }))).to.equal("POWERS_HASH");
      const unfinished = await verifyKey(held.second, CEREMONY_INSTANCE, powers, { unfinished: true });
      expect(await quiet(verifyExport(await exportKey(unfinished, powers, keys), powers))).to.equal("CEREMONY_BEACON");
    });
  });
});

/** As `outcome`, without what snarkjs prints of transcripts that it refuses. */
async function quiet(work: Promise<unknown>): Promise<string> {
  const print = console.log;
  console.log = () => {};
  try {
    return await outcome(work);
  } finally {
    console.log = print;
  }
}
