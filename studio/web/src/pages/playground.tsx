import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { modelOf } from "../../../../sdk/views/models.ts";
import "../make/make.css";
import { listDeployments } from "../make/owned.ts";
import { DepositBox } from "../play/deposit.tsx";
import { Talk } from "../play/talk.tsx";
import "../play/play.css";
import { Price } from "../make/terms.tsx";
import { useCalls } from "../play/calls.ts";
import { History } from "../play/history.tsx";
import { useProtocol } from "../protocol.ts";
import type { Split } from "../split.ts";
import { useStack } from "../stack.ts";
import { Field } from "../ui/field.tsx";
import { Empty, Pending } from "../ui/notice.tsx";
import { Card, Facts, PageHead } from "../ui/page.tsx";
import { Address, Hash } from "../ui/values.tsx";

export function PlaygroundPage() {
  const { genesis, bases } = useStack();
  const { protocol } = useProtocol();
  const [calls, addCall] = useCalls(genesis);
  const [query, setQuery] = useSearchParams();
  const deployments = useQuery({ queryKey: ["deployments"], queryFn: listDeployments });
  const list = deployments.data;
  const chosen = list?.find(({ modelId }) => modelId === query.get("model")) ?? list?.[0];
  const model = useQuery({
    queryKey: ["terms", chosen?.modelId],
    queryFn: async () => {
      const { inputPrice, outputPrice, splitBps, baseHash, owner } = await modelOf(protocol, BigInt(chosen!.modelId));
      const split = Object.fromEntries(Object.entries(splitBps).map(([part, bps]) => [part, Number(bps)])) as Split;
      return { inputPrice, outputPrice, split, baseHash, owner };
    },
    enabled: chosen !== undefined,
  });
  /** Of the model's base; one added after this page was opened is not listed, and its server says what is too long. */
  const contextOf = (hash: string) => bases.find((base) => base.hash === hash)?.context;
  const head = (
    <PageHead title="Playground">
      Ask a deployed model. Each answer is paid by a voucher that you sign, and comes with a receipt that is checked
      here.
    </PageHead>
  );
  if (list === undefined)
    return (
      <>
        {head}
        <Pending of={deployments} what="Models" />
      </>
    );
  if (chosen === undefined)
    return (
      <>
        {head}
        <Empty title="No model is deployed yet">
          <Link to="/factory">Train one in the Model Factory</Link>, mint it and deploy it to OpenLoRA; then it can be
          asked here.
        </Empty>
      </>
    );
  return (
    <>
      {head}
      <div className="playground">
        {model.data === undefined ? (
          <Pending of={model} what="Prices" />
        ) : (
          <Talk
            key={chosen.modelId}
            deployment={chosen}
            split={model.data.split}
            context={contextOf(model.data.baseHash)}
            addCall={addCall}
          />
        )}
        <div className="stack">
          <Card title="Model">
            <Field label="Deployed model">
              <select value={chosen.modelId} onChange={({ target }) => setQuery({ model: target.value })}>
                {list.map(({ modelId, name }) => (
                  <option key={modelId} value={modelId}>
                    {name} (model {modelId})
                  </option>
                ))}
              </select>
            </Field>
            {model.data && (
              <Facts
                of={{
                  "1,000 tokens read": <Price of={model.data.inputPrice} />,
                  "1,000 written": <Price of={model.data.outputPrice} />,
                  Owner: <Address of={model.data.owner} />,
                  Server: <Hash of={chosen.server} />,
                }}
              />
            )}
            <small>
              <Link to={`/explorer/models/${chosen.modelId}`}>What it earns, and for whom</Link>
            </small>
          </Card>
          <DepositBox deployment={chosen} />
        </div>
      </div>
      <History calls={calls} />
    </>
  );
}
