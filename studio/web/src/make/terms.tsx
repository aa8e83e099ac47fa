import { formatUnits } from "ethers";
import type { ModelTerms } from "../../../../sdk/models.ts";
import { PARTS, percentOf, type Split } from "../split.ts";
import { useStack } from "../stack.ts";

/** A price a 1,000 tokens, in words. */
export function Price({ of }: { of: bigint }) {
  const { token } = useStack();
  return (
    <span className="money">
      {formatUnits(of, token.decimals)} {token.symbol}
    </span>
  );
}

/** Price and split of a minted model in one sentence. */
export function TermsFacts({
  of: { inputPrice, outputPrice, splitBps },
}: {
  of: Pick<ModelTerms, "inputPrice" | "outputPrice"> & { splitBps: Record<keyof Split, bigint> };
}) {
  const parts = Object.entries(PARTS) as [keyof Split, string][];
  return (
    <>
      1,000 tokens cost <Price of={inputPrice} /> read and <Price of={outputPrice} /> written. Of each fee:{" "}
      {parts.map(([name, words]) => `${percentOf(Number(splitBps[name]))} ${words.toLowerCase()}`).join(", ")}.
    </>
  );
}
