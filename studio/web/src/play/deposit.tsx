import { useQuery } from "@tanstack/react-query";
import { formatUnits, VoidSigner } from "ethers";
import { useState } from "react";
import { useAccount } from "wagmi";
import { Customer } from "../../../../openlora/customer.ts";
import type { Deployment } from "../make/owned.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { useStack } from "../stack.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Empty, Pending } from "../ui/notice.tsx";
import { Card, Facts } from "../ui/page.tsx";
import { Money } from "../ui/values.tsx";
import { readAmount } from "../words.ts";
import { ledgerOf } from "./buy.ts";

/** Money of the connected account: in its wallet, deposited, and what of that is spoken for. */
export function useDeposit({ modelId, server }: Deployment) {
  const { address } = useAccount();
  const { genesis } = useStack();
  const { protocol, provider, token } = useProtocol();
  const { escrow, splitter } = protocol;
  return useQuery({
    queryKey: ["deposit", address, modelId, server],
    enabled: address !== undefined,
    queryFn: async () => {
      const paid = await token.getAddress();
      const signer = new VoidSigner(address!, provider);
      const customer = await Customer.open(protocol, signer, BigInt(modelId), server, ledgerOf(genesis));
      // All as of one block: the server redeems in between.
      const { number: blockTag, timestamp } = (await provider.getBlock("latest"))!;
      const at = { blockTag };
      const owed = async (epochId: bigint) => {
        const rest = customer.due(epochId) - (await escrow.redeemed(address!, server, modelId, epochId, paid, at));
        return rest > 0n ? rest : 0n;
      };
      const current = await splitter.currentEpoch(modelId, at);
      let promised = await owed(current);
      if (current > 0n) {
        const { closedAt } = await splitter.epoch(modelId, current - 1n, at);
        const { redeemWindow } = await splitter.timing(at);
        if (closedAt + redeemWindow > timestamp) promised += await owed(current - 1n);
      }
      const deposited = await escrow.deposited(address!, paid, at);
      const { amount: thawing, readyAt } = await escrow.thawing(address!, paid, at);
      const free = deposited - thawing - promised;
      const wallet = await token.balanceOf(address!, at);
      return { wallet, deposited, thawing, readyAt, promised, free: free > 0n ? free : 0n };
    },
  });
}

/** What pays for answers, and adding to it. */
export function DepositBox({ deployment }: { deployment: Deployment }) {
  const { address } = useAccount();
  const { token, genesis } = useStack();
  const own = useOwn();
  const query = useDeposit(deployment);
  const [text, setText] = useState("5");
  if (address === undefined)
    return (
      <Card title="Your deposit">
        <Empty title="No account is connected">Choose one at the top right, for example Customer.</Empty>
      </Card>
    );
  if (query.data === undefined)
    return (
      <Card title="Your deposit">
        <Pending of={query} what="Deposit" />
      </Card>
    );
  const { wallet, deposited, thawing, readyAt, promised, free } = query.data;
  const amount = readAmount(text, token.decimals);
  const problem =
    amount === undefined || amount === 0n
      ? `An amount above 0 with at most ${token.decimals} decimals.`
      : amount > wallet
        ? `Your wallet holds ${formatUnits(wallet, token.decimals)} ${token.symbol}. “Get test money” at the top right adds some.`
        : undefined;
  const deposit = async () => {
    const { protocol, signer } = await own();
    const { modelId, server } = deployment;
    const customer = await Customer.open(protocol, signer, BigInt(modelId), server, ledgerOf(genesis));
    await customer.deposit(amount!);
  };
  return (
    <Card title="Your deposit">
      <Facts
        of={{
          "In your wallet": <Money amount={wallet} />,
          Deposited: <Money amount={deposited} />,
          "Owed, not yet taken": <Money amount={promised} />,
          "Free for calls": <Money amount={free} />,
          ...(thawing > 0n && {
            Withdrawing: (
              <>
                <Money amount={thawing} />, from {new Date(1000 * Number(readyAt)).toLocaleTimeString()}
              </>
            ),
          }),
        }}
      />
      <Field
        label={`Amount in ${token.symbol}`}
        problem={problem}
        hint="Paid into the escrow; only what vouchers of yours promise can be taken from it."
      >
        <input inputMode="decimal" value={text} onChange={({ target }) => setText(target.value)} />
      </Field>
      <div>
        <Action primary={free === 0n} disabled={Boolean(problem) && "Correct the amount."} run={deposit}>
          Deposit
        </Action>
      </div>
    </Card>
  );
}
