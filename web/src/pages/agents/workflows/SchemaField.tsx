import { CheckField, SelectField, TextAreaField, TextField } from "@/ui/Field";
import { ListField } from "./ListField";
import { controlOf, fieldsOf, type Draft, type JsonSchema } from "./schemaForm";
import { inWords } from "./steps";

export interface FieldProps {
  schema: JsonSchema;
  draft: Draft;
  /** Where the value stands in what is sent: `input.documents[1]`. */
  path: string;
  label: string;
  hint?: string;
  required: boolean;
  /** What is wrong, by path. */
  faults: ReadonlyMap<string, string>;
  onChange: (draft: Draft) => void;
}

/** The control that fits a schema. */
export function SchemaField(props: FieldProps) {
  const { schema, draft, path, label, required, faults, onChange } = props;
  const control = controlOf(schema);
  const shared = { label, hint: props.hint ?? schema.description, fault: faults.get(path) };
  const text = { ...shared, required, name: path, value: String(draft), autoComplete: "off" };
  if (control === "list") return <ListField {...props} />;
  if (control === "group") return <GroupField {...props} />;
  if (control === "flag") {
    return <CheckField label={label} hint={shared.fault ?? shared.hint} name={path} checked={draft === true} onChange={(event) => onChange(event.target.checked)} />;
  }
  if (control === "choice") {
    return (
      <SelectField {...text} onChange={(event) => onChange(event.target.value)}>
        <option value="" />
        {schema.enum!.map((value) => (
          <option key={JSON.stringify(value)} value={JSON.stringify(value)}>
            {typeof value === "string" ? inWords(value) : JSON.stringify(value)}
          </option>
        ))}
      </SelectField>
    );
  }
  if (control === "number" || control === "integer") {
    return (
      <TextField
        {...text}
        type="number"
        step={control === "integer" ? 1 : "any"}
        min={schema.minimum}
        max={schema.maximum}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  }
  const limits = { minLength: schema.minLength, maxLength: schema.maxLength };
  if (control === "text") return <TextField {...text} {...limits} onChange={(event) => onChange(event.target.value)} />;
  const long = (schema.maxLength ?? 0) > 10_000;
  return (
    <TextAreaField
      {...text}
      {...limits}
      rows={long ? 10 : 4}
      className={control === "json" ? "font-mono" : undefined}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface FieldsProps extends Omit<FieldProps, "label" | "hint" | "required"> {
  words: { label: (name: string) => string; hint: (name: string) => string | undefined };
}

/** The fields of an object, one below the other. */
export function SchemaFields({ schema, draft, path, faults, onChange, words }: FieldsProps) {
  const fields = draft as Record<string, Draft>;
  return (
    <>
      {fieldsOf(schema).map(([name, one]) => (
        <SchemaField
          key={name}
          schema={one}
          draft={fields[name]!}
          path={`${path}.${name}`}
          label={one.title ?? words.label(name)}
          hint={words.hint(name)}
          required={schema.required?.includes(name) ?? false}
          faults={faults}
          onChange={(next) => onChange({ ...fields, [name]: next })}
        />
      ))}
    </>
  );
}

function GroupField({ label, schema, ...rest }: FieldProps) {
  return (
    <fieldset className="flex min-w-0 flex-col gap-4 rounded-md border p-4">
      <legend className="px-1 font-medium">{label}</legend>
      <SchemaFields {...rest} schema={schema} words={{ label: inWords, hint: () => undefined }} />
    </fieldset>
  );
}
