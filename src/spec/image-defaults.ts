/** Defaults that an image has for its containers: image-spec "config.md", and Docker's additions. */
export interface ImageDefaults {
  User?: string;
  ExposedPorts?: Record<string, object>;
  /** `NAME=value` */
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Shell?: string[];
  OnBuild?: string[];
  /** Docker's: Test is ["NONE"], ["CMD", ...] or ["CMD-SHELL", command]; times in nanoseconds. */
  Healthcheck?: {
    Test?: string[];
    Interval?: number;
    Timeout?: number;
    StartPeriod?: number;
    StartInterval?: number;
    Retries?: number;
  };
}
