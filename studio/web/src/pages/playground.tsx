import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import "../make/make.css";
import { listDeployments } from "../make/owned.ts";
import { DepositBox } from "../play/deposit.tsx";
import { Talk } from "../play/talk.tsx";
import "../play/play.css";
import { Price } from "../make/terms.tsx";
import { useCalls } from "../play/calls.ts";
import { History } from "../play/history.tsx";
import { useProtocol } from "../protocol.ts";
import { useStack } from "../stack.ts";
import { Field } from "../ui/field.tsx";
import { Empty, Pending } from "../ui/notice.tsx";
import { Card, Facts, PageHead } from "../ui/page.tsx";
import { Address, Hash } from "../ui/values.tsx";

export function PlaygroundPage() {
  const { genesis } = useStack();
  const { protocol } = useProtocol();
  const [calls, addCall] = useCalls(genesis);
  const [query, setQuery] = useSearchParams();
  const deployments = useQuery({ queryKey: ["deployments"], queryFn: listDeployments });
  const list = deployments.data;
  const chosen = list?.find(({ modelId }) => modelId === query.get("model")) ?? list?.[0];
  const model = useQuery({
    queryKey: ["terms", chosen?.modelId],
    queryFn: async () => {
      const { inputPrice, outputPrice, split } = await protocol.models.terms(chosen!.modelId);
      const { data, owner, server, operator, protocol: treasury } = split;
      const [d, o, s, p, t] = [data, owner, server, operator, treasury].map(Number) as [
        number,
        number,
        number,
        number,
        number,
      ];
      return {
        inputPrice,
        outputPrice,
        split: { data: d, owner: o, server: s, operator: p, protocol: t },
        owner: await protocol.models.ownerOf(chosen!.modelId),
      };
    },
    enabled: chosen !== undefined,
  });
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
          <Talk key={chosen.modelId} deployment={chosen} split={model.data.split} addCall={addCall} />
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
