import { Link, useParams, useSearchParams } from "react-router";
import { Contributors } from "../explorer/contributors.tsx";
import { Epochs } from "../explorer/epochs.tsx";
import { RowFates } from "../explorer/fates.tsx";
import { Proof } from "../explorer/proof.tsx";
import { EarningRows } from "../explorer/rows.tsx";
import { Trail } from "../explorer/trail.tsx";
import { idOf } from "../ids.ts";
import { useEpochs, useManifest, useModel } from "../reads.ts";
import { Empty, Pending } from "../ui/notice.tsx";
import { Badge, Card, Facts, PageHead } from "../ui/page.tsx";
import { Address, Hash, Money } from "../ui/values.tsx";
import "../explorer/explorer.css";

export function ModelPage() {
  const id = idOf(useParams().id);
  return id === undefined ? <Unknown /> : <Model id={id} />;
}

const Unknown = () => (
  <Empty title="There is no such model">
    <Link to="/explorer">See all models</Link>; on a local chain they are gone when the Studio is started again.
  </Empty>
);

function Model({ id }: { id: bigint }) {
  const model = useModel(id);
  const manifest = useManifest(id);
  const epochs = useEpochs(id);
  const [search, setSearch] = useSearchParams();
  if (model.error?.message.includes("ModelUnknown")) return <Unknown />;
  if (model.data === undefined) return <Pending of={model} what="Model" />;
  const { settlements, commitments } = model.data;
  // The last settled one has most to tell; without one, the open one.
  const named = search.get("epoch");
  const epochId = named !== null && /^\d+$/.test(named) ? BigInt(named) : settlements.at(-1)?.epochId;
  const epoch = epochs.data?.find((one) => one.epochId === epochId) ?? epochs.data?.at(-1);
  const settlement = settlements.find((one) => one.epochId === epoch?.epochId);
  // An epoch is answered and paid by the release that it opened with.
  const last = commitments.at(-1);
  const commitment = commitments.find(({ commitmentId }) => commitmentId === epoch?.chain.commitmentId) ?? last;
  return (
    <>
      <PageHead
        title={manifest.data?.name ?? `Model ${id}`}
        actions={
          last ? <Badge kind="good">sketches registered</Badge> : <Badge kind="wait">sketches not registered</Badge>
        }
      >
        {manifest.error
          ? manifest.error.message
          : "From the fee a customer paid to what each contributor was paid for it, and the proof in between."}
      </PageHead>
      <Card title="The model">
        <Facts
          of={{
            "Model id": String(id),
            Owner: <Address of={model.data.owner} />,
            "Base model": manifest.data?.base.name ?? "…",
            Price: (
              <>
                <Money amount={model.data.inputPrice} /> per 1,000 tokens in, <Money amount={model.data.outputPrice} />{" "}
                per 1,000 out
              </>
            ),
            Adapter: <Hash of={model.data.adapterHash} />,
            Manifest: <Hash of={model.data.manifestCid} />,
            ...(model.data.release > 1n && {
              Release: `${model.data.release}: retrained, the one before serves until an epoch opens after this one's sketches are registered`,
            }),
            ...(last && {
              Commitment: (
                <>
                  <Hash of={last.commitmentId} /> to {last.rows.toLocaleString("en")} rows in {String(last.columns)}{" "}
                  columns
                </>
              ),
            }),
          }}
        />
      </Card>
      {epochs.data === undefined ? (
        <Pending of={epochs} what="Epochs" />
      ) : (
        <Epochs
          epochs={epochs.data}
          chosen={epoch?.epochId}
          choose={(chosen) => setSearch({ epoch: String(chosen) }, { replace: true })}
        />
      )}
      {epoch && commitment && (
        <Trail model={model.data} commitment={commitment} epoch={epoch} {...(settlement && { settlement })} />
      )}
      <Contributors modelId={id} commitment={commitment} epoch={epoch} settlement={settlement} />
      {epoch && commitment && (
        <EarningRows modelId={id} commitment={commitment} epoch={epoch} settlement={settlement} />
      )}
      {commitment && <RowFates modelId={id} commitment={commitment} />}
      {settlement && <Proof modelId={id} settlement={settlement} />}
    </>
  );
}
