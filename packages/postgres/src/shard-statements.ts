// What a shard asks its database about one document.
import { PLACEMENT } from "./stored-placement.ts"

/** Whether its owner, if there is one, is another node whose lease holds. $1 is the document, $2 this node. */
export const IS_FREE = `(document.owner is null or document.owner = $2 or not exists (
  select from lf.node where node.id = document.owner and node.lease_until > clock_timestamp()))`

/** Neither on its way here, nor away. */
export const IS_HERE = "(document.moved_to is null and not document.is_arriving)"

// What it takes is not among what it finds: those are one moment's, before the update.
export const LOOK = `
with taken as (
  update lf.document as document set owner = $2, fence = nextval('lf.number')
  where $3 and doc = $1 and ${IS_HERE} and ${IS_FREE}
  returning fence
)
select ${PLACEMENT}, doc is not null as is_found, moved_to, is_arriving,
  coalesce(log_bytes, 0) + coalesce(page_count, 0) * 4096 as bytes,
  doc is not null and document.owner is null as was_let_go,
  node.id as owner, coalesce(node.is_serving, false) as is_serving, (select fence from taken) as fence
from lf.store left join lf.document on doc = $1 left join lf.node on node.id = owner and owner <> $2`

// A placement that is being written waits for this, or this for it. A number that another document's log has is left out: two
// documents with one number would delete each other's rows.
export const CREATE = `
with placed as (select from lf.store where placement_version = $3 for share),
fresh as materialized (select nextval('lf.number') as fence, nextval('lf.number') as number from placed)
insert into lf.document (doc, owner, fence, number) select $1, $2, fence, number from fresh
where not exists (select from lf.log where document = fresh.number)
on conflict (doc) do nothing returning fence`

// A sequence is not copied by logical replication. A few documents show it, and only then are all of them read.
export const GO_ON = `
select setval('lf.number', (select max(greatest(number, fence, coalesce(checkpoint, 0))) from lf.document))
where exists (
  select from (select greatest(number, fence) as known from lf.document limit 100) as few
  where known > coalesce(pg_sequence_last_value('lf.number'), 0)
)`

// An owner that was deposed sees the new owner's fence or, in an older snapshot, none of its parts.
export const REMOVE_ORPHANS = `
delete from lf.checkpoint_part as part using lf.document as document
where part.doc = $1 and document.doc = $1 and document.fence = $2
  and part.checkpoint is distinct from document.checkpoint`
