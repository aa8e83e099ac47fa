import { Link } from "react-router";
import { useAccount } from "wagmi";
import { useClaim, useEarned, useWithdraw } from "../explorer/claim.tsx";
import { type ModelMoney, useManifest, useModels } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Empty, Notice, Pending } from "../ui/notice.tsx";
import { Badge, Card, PageHead } from "../ui/page.tsx";
import { Address, Money } from "../ui/values.tsx";
import "../explorer/explorer.css";

export function ExplorerPage() {
  const models = useModels();
  return (
    <>
      <PageHead title="Explorer">
        Every fee, every share and every proof, read from the chain: who was paid for which rows, and why.
      </PageHead>
      {models.data === undefined ? (
        <Pending of={models} what="Models" />
      ) : (
        <>
          <Earned modelIds={models.data.map(({ modelId }) => modelId)} />
          <Models models={models.data} />
          <Contributors models={models.data} />
        </>
      )}
    </>
  );
}

const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

function Earned({ modelIds }: { modelIds: bigint[] }) {
  const { address } = useAccount();
  const earned = useEarned(modelIds);
  const claim = useClaim(modelIds);
  const withdraw = useWithdraw();
  if (address === undefined)
    return (
      <Card title="What you earned">
        <Notice kind="info">Choose an account at the top right to see what it earned and to fetch it.</Notice>
      </Card>
    );
  if (earned.data === undefined)
    return (
      <Card title="What you earned">
        <Pending of={earned} what="Earnings" />
      </Card>
    );
  const { due, shares } = earned.data;
  const claimable = sum(due.map(({ amount }) => amount));
  return (
    <Card title="What you earned">
      <div className="earned">
        <div>
          <span>As a contributor, to claim</span>
          <Money amount={claimable} />
          <Action primary={claimable > 0n} run={claim} disabled={claimable === 0n && "Nothing to claim now."}>
            Claim
          </Action>
          {due.length > 0 && (
            <small>
              {due.length === 1 ? "One share" : `${due.length} shares`} of{" "}
              {new Set(due.map(({ model }) => model)).size === 1 ? "one model" : "several models"}, in one transaction.
            </small>
          )}
        </div>
        <div>
          <span>As model owner, server, operator or treasury, to withdraw</span>
          <Money amount={shares} />
          <Action primary={shares > 0n} run={withdraw} disabled={shares === 0n && "Nothing to withdraw now."}>
            Withdraw
          </Action>
        </div>
      </div>
    </Card>
  );
}

function Models({ models }: { models: ModelMoney[] }) {
  return (
    <Card title="Models">
      {models.length === 0 ? (
        <Empty title="There is no model yet">
          <Link to="/factory">Train one in the Model Factory</Link>, mint it and deploy it; then it earns.
        </Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Model</th>
                <th>Owner</th>
                <th>Trained on</th>
                <th className="number">Fees</th>
                <th className="number">Paid to data</th>
                <th>Last settlement</th>
              </tr>
            </thead>
            <tbody>
              {models.map((model) => (
                <ModelRow key={String(model.modelId)} {...model} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function ModelRow({ modelId, owner, versions, credits, settlements, accounts, commitment }: ModelMoney) {
  const manifest = useManifest(modelId);
  const last = settlements.at(-1);
  return (
    <tr>
      <td>
        <Link to={`/explorer/models/${modelId}`}>{manifest.data?.name ?? `Model ${modelId}`}</Link>
      </td>
      <td>
        <Address of={owner} />
      </td>
      <td>
        {versions.map(({ datanetId, version }) => (
          <div key={`${datanetId} ${version}`}>
            <Link to={`/datanets/${datanetId}`}>Datanet {String(datanetId)}</Link>, version {String(version)}
          </div>
        ))}
      </td>
      <td className="number">
        <Money amount={sum(credits.map(({ amount }) => amount))} />
      </td>
      <td className="number">
        <Money amount={sum(accounts.map(({ earned }) => earned))} />
      </td>
      <td>
        {last ? (
          <Badge kind="good">
            epoch {String(last.epochId)}, {last.totals.length > 0 ? "by proof" : "by base weights"}
          </Badge>
        ) : commitment ? (
          <Badge kind="plain">none yet</Badge>
        ) : (
          <Badge kind="wait">sketches not registered</Badge>
        )}
      </td>
    </tr>
  );
}

function Contributors({ models }: { models: ModelMoney[] }) {
  const { address } = useAccount();
  // What was earned under earlier adapters counts; rows are those of the last one.
  const all = models.flatMap(({ commitments, modelId }) =>
    commitments.flatMap(({ accounts }, i) =>
      accounts.map((one) => ({ ...one, modelId, rows: i === commitments.length - 1 ? one.rows : 0n })),
    ),
  );
  const people = [...Map.groupBy(all, ({ account }) => account)].map(([account, own]) => ({
    account,
    models: new Set(own.map(({ modelId }) => modelId)).size,
    rows: sum(own.map(({ rows }) => rows)),
    earned: sum(own.map(({ earned }) => earned)),
    claimable: sum(own.map(({ claimable }) => claimable)),
    claimed: sum(own.map(({ claimed }) => claimed)),
  }));
  people.sort((a, b) => (b.earned > a.earned ? 1 : b.earned < a.earned ? -1 : 0));
  return (
    <Card title="Contributors">
      {people.length === 0 ? (
        <Empty title="Nobody's rows are in a registered model yet">
          Contributors stand here once a model trained on their rows has its sketches registered.
        </Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Account</th>
                <th className="number">Models</th>
                <th className="number">Rows in them</th>
                <th className="number">Earned</th>
                <th className="number">Claimable</th>
                <th className="number">Claimed</th>
              </tr>
            </thead>
            <tbody>
              {people.map(({ account, models, rows, earned, claimable, claimed }) => (
                <tr key={account}>
                  <td>
                    <Address of={account} />{" "}
                    {account.toLowerCase() === address?.toLowerCase() && <Badge kind="plain">you</Badge>}
                  </td>
                  <td className="number">{models}</td>
                  <td className="number">{rows.toLocaleString("en")}</td>
                  <td className="number">
                    <Money amount={earned} />
                  </td>
                  <td className="number">
                    <Money amount={claimable} />
                  </td>
                  <td className="number">
                    <Money amount={claimed} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
