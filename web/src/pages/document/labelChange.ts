import { CLASSIFICATIONS } from "@/api/types";

interface Label {
  classification: string;
  export_control: string;
}

const rank = (classification: string): number => CLASSIFICATIONS.findIndex((one) => one === classification);

/** Whether fewer people or more people see a text after its label changes. */
export function labelChange(before: Label, after: Label): "raised" | "lowered" | "kept" {
  const stricter = rank(after.classification) - rank(before.classification);
  const controlled = Number(after.export_control === "controlled") - Number(before.export_control === "controlled");
  // One part up and the other down hides it from some and shows it to others: what hides is told.
  if (stricter > 0 || controlled > 0) return "raised";
  return stricter < 0 || controlled < 0 ? "lowered" : "kept";
}
