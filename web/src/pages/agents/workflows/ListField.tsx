import { Plus, X } from "lucide-react";
import { useEffect, useId, useRef } from "react";
import { useTranslation } from "@/i18n/useTranslation";
import { Button, IconButton } from "@/ui/Button";
import { draftOf, type Draft } from "./schemaForm";
import { SchemaField, type FieldProps } from "./SchemaField";

/** A list whose items are added and taken away one by one. */
export function ListField({ schema, draft, path, label, hint, faults, onChange, required }: FieldProps) {
  const { t } = useTranslation();
  const id = useId();
  const items = draft as Draft[];
  const list = useRef<HTMLOListElement>(null);
  const added = useRef(false);
  const least = Math.max(schema.minItems ?? 0, required ? 1 : 0);
  useEffect(() => {
    // Whoever asked for another item goes on with writing it.
    if (added.current) list.current?.querySelector<HTMLElement>("li:last-child :is(input, textarea, select)")?.focus();
    added.current = false;
  }, [items.length]);
  const replace = (at: number, next: Draft) => onChange(items.map((item, index) => (index === at ? next : item)));
  const about = [hint ?? schema.description, faults.get(path)];
  return (
    <fieldset aria-describedby={`${id}-about`} className="flex min-w-0 flex-col gap-2">
      <legend className="font-medium">{label}</legend>
      <div id={`${id}-about`} className="text-sm">
        {about[0] && <p className="text-muted">{about[0]}</p>}
        {about[1] && <p className="text-bad">{about[1]}</p>}
      </div>
      <ol ref={list} className="flex flex-col gap-2">
        {items.map((item, index) => (
          <li key={index} className="flex items-end gap-1">
            <div className="min-w-0 grow">
              <SchemaField
                schema={schema.items!}
                draft={item}
                path={`${path}[${index}]`}
                label={t("work.item", { number: index + 1 })}
                required={index < least}
                faults={faults}
                onChange={(next) => replace(index, next)}
              />
            </div>
            {items.length > least && (
              <IconButton label={t("work.remove_item", { number: index + 1 })} onClick={() => onChange(items.filter((_, at) => at !== index))}>
                <X aria-hidden className="size-5" />
              </IconButton>
            )}
          </li>
        ))}
      </ol>
      {items.length < (schema.maxItems ?? Number.POSITIVE_INFINITY) && (
        <Button
          className="self-start"
          icon={<Plus aria-hidden className="size-5" />}
          onClick={() => {
            added.current = true;
            onChange([...items, draftOf(schema.items!)]);
          }}
        >
          {t("work.add_item")}
        </Button>
      )}
    </fieldset>
  );
}
