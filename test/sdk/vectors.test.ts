import { readFileSync } from "node:fs";
import { expect } from "chai";
import { getBytes } from "ethers";
import { bytesInt8 } from "../../sdk/hash.ts";
import {
  commitmentId,
  foldingChallenge,
  registrationChallenges,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
  type VerifyingKey,
  vkId,
} from "../../sdk/transcript.ts";
import { encodings } from "../../sdk/vectors/encodings.ts";
import { vectorFile, vectorText } from "../../sdk/vectors/write.ts";

const stored = (name: string): string => readFileSync(vectorFile(name), "utf8");

describe("vectors", () => {
  for (const [name, value] of Object.entries(encodings))
    it(`${name}.json holds what the encodings give`, () => {
      expect(vectorText(value)).to.equal(stored(name));
    });

  it("proofs.json holds digests and challenges of its own registrations and settlements", () => {
    // Decimal strings become integers again; the fields that are bytes stay hex.
    const {
      key,
      tauG2,
      vkId: id,
      settlements,
    } = JSON.parse(stored("proofs"), (_, item) =>
      typeof item === "string" && /^\d+$/.test(item) ? BigInt(item) : item,
    ) as {
      key: VerifyingKey;
      tauG2: [bigint, bigint, bigint, bigint];
      vkId: string;
      settlements: {
        registration: Parameters<typeof commitmentId>[0] & { commitmentId: string; zeta: bigint; gamma: bigint };
        statement: SettlementStatement & { q: unknown; totals: unknown };
        proof: SettlementProof;
        sd: string;
        z: bigint;
        x: bigint;
        lambda: bigint;
      }[];
    };
    expect(vkId(key, tauG2, true)).to.equal(id);
    expect(settlements.map(({ proof }) => proof.chunks.length)).to.deep.equal([1, 2]);
    for (const { registration, statement, proof, sd, z, x, lambda } of settlements) {
      expect(commitmentId(registration)).to.equal(registration.commitmentId);
      const { zeta, gamma } = registration;
      expect(registrationChallenges(registration.commitmentId)).to.deep.equal({ zeta, gamma });
      const q = bytesInt8(statement.q as unknown as string);
      const totals = getBytes(statement.totals as unknown as string);
      expect(settlementChallenges({ ...statement, q, totals })).to.deep.equal({ sd, z, x });
      expect(foldingChallenge(sd, proof)).to.equal(lambda);
    }
  });
});
