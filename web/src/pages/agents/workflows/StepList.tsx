import { StepItem } from "./StepItem";
import type { StepRow } from "./steps";

interface Props {
  rows: StepRow[];
  /** Without states: nothing has begun. */
  plain?: boolean;
}

/** Steps in their order; what is inside of another stands further in. */
export function StepList({ rows, plain = false }: Props) {
  return (
    <ol className="flex flex-col">
      {rows.map((row) => (
        <StepItem key={row.key} row={row} plain={plain} />
      ))}
    </ol>
  );
}
