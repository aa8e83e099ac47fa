import { distance } from "../../../../sdk/views/epochs.ts";
import { useProtocol } from "../protocol.ts";
import { useNow } from "../reads.ts";
import { useStack } from "../stack.ts";
import { Action } from "../ui/action.tsx";
import { Empty } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Money } from "../ui/values.tsx";
import type { Epoch } from "./trail.tsx";

/** The chain on which time can be made to pass. */
const LOCAL_CHAIN = 31337;

/** What each time is, to come and gone. */
const NAMES: Record<string, [string, string]> = {
  settled: ["settled", "settled"],
  mayClose: ["may be closed", "could be closed from"],
  closed: ["closed", "closed"],
  redeemingEnds: ["redeeming ends", "redeeming ended"],
  proposingEnds: ["proposing ends", "proposing ended"],
  challengesEnd: ["challenges end", "challenges ended"],
  baseWeightsPay: ["without a proof, base weights pay", "could be paid by base weights from"],
};

/** A time of an epoch in words. */
const said = (name: string, at: bigint, now: bigint): string =>
  `${NAMES[name]![at > now ? 0 : 1]} ${distance(Number(at), Number(now))}`;

const words = ({ chain, state, waitsFor }: Epoch): string => {
  if (chain.closedAt !== 0n && chain.settledAt === 0n && chain.fees === 0n && waitsFor !== "redeemingEnds")
    return "closed without fees: nothing to share";
  if (chain.closedAt === 0n && waitsFor === undefined) return "open: takes fees until the operator opens the next";
  if (state === "may be proposed") return "waits for the operator's proposal";
  if (state === "may be settled") return "waits for the operator's proof";
  return state;
};

const kindOf = ({ chain, state }: Epoch) =>
  chain.settledAt !== 0n ? "good" : chain.closedAt === 0n ? "plain" : state.includes("base weights") ? "bad" : "wait";

/** A model's epochs with state and deadlines; one of them is chosen. */
export function Epochs({
  epochs,
  chosen,
  choose,
}: {
  epochs: Epoch[];
  chosen: bigint | undefined;
  choose: (epochId: bigint) => void;
}) {
  const now = useNow();
  const { chainId } = useStack();
  const { provider } = useProtocol();
  // Only what time alone ends: where somebody has to act, skipping would take his time away.
  const next = epochs
    .filter(({ waitsFor }) => waitsFor !== undefined)
    .map(({ epochId, waitsFor, times }) => ({ epochId, name: waitsFor!, at: times[waitsFor!]! }))
    .sort((a, b) => Number(a.at - b.at))[0];
  const skip = async () => {
    await provider.send("evm_increaseTime", [Number(next!.at - now!)]);
    await provider.send("evm_mine", []);
  };
  return (
    <Card
      title="Epochs"
      aside={
        chainId === LOCAL_CHAIN &&
        epochs.length > 0 && (
          <Action
            small
            run={skip}
            disabled={(next === undefined || now === undefined) && "No epoch waits for time now."}
          >
            Skip to the next deadline
          </Action>
        )
      }
    >
      {epochs.length === 0 ? (
        <Empty title="No epoch is open">
          Fees are taken into epochs. The model's owner opens the first one when the model is deployed in the Model
          Factory.
        </Empty>
      ) : (
        <>
          <div className="scroll">
            <table className="epochs">
              <thead>
                <tr>
                  <th>Epoch</th>
                  <th className="number">Fees</th>
                  <th>State</th>
                  <th>Deadlines, by the chain's clock</th>
                  <th />
                </tr>
              </thead>
              <tbody>
                {epochs.toReversed().map((epoch) => (
                  <tr key={String(epoch.epochId)} className={epoch.epochId === chosen ? "chosen" : undefined}>
                    <td>{String(epoch.epochId)}</td>
                    <td className="number">
                      <Money amount={epoch.chain.fees} />
                    </td>
                    <td>
                      <Badge kind={kindOf(epoch)}>{words(epoch)}</Badge>
                    </td>
                    <td>
                      {now !== undefined &&
                        Object.entries(epoch.times).map(([name, at]) => (
                          <div key={name} className={at > now ? undefined : "muted"}>
                            {said(name, at, now)}
                          </div>
                        ))}
                    </td>
                    <td className="number">
                      <button
                        type="button"
                        className="small"
                        aria-pressed={epoch.epochId === chosen}
                        onClick={() => choose(epoch.epochId)}
                      >
                        {epoch.epochId === chosen ? "Shown below" : "Show"}
                        <span className="hidden"> epoch {String(epoch.epochId)}</span>
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {chainId === LOCAL_CHAIN && next && now !== undefined && (
            <small>
              Next: epoch {String(next.epochId)}, {said(next.name, next.at, now)}. On this local chain the button lets
              that time pass at once.
            </small>
          )}
        </>
      )}
    </Card>
  );
}
