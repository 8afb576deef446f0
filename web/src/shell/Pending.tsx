import { Skeleton } from "@/ui/States";

export const Pending = () => <Skeleton lines={6} className="mx-auto max-w-3xl p-6" />;
