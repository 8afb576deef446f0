import { expect, it } from "vitest";
import { labelChange } from "./labelChange";

const label = (classification: string, export_control = "none") => ({ classification, export_control });

it("tells which way a label goes", () => {
  expect(labelChange(label("INTERNAL"), label("INTERNAL"))).toBe("kept");
  expect(labelChange(label("INTERNAL"), label("RESTRICTED"))).toBe("raised");
  expect(labelChange(label("INTERNAL"), label("INTERNAL", "controlled"))).toBe("raised");
  expect(labelChange(label("INTERNAL"), label("PUBLIC"))).toBe("lowered");
  expect(labelChange(label("INTERNAL", "controlled"), label("INTERNAL"))).toBe("lowered");
  expect(labelChange(label("CONFIDENTIAL"), label("PUBLIC", "controlled"))).toBe("raised");
});
