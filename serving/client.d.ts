// Types of gpmcast's API. Written by `python -m serving typescript` from the OpenAPI document; do not edit.

/** baseline + start + early_evidence + features + others + held_at_1 = log_prediction. */
export interface AdditiveExplanation {
  /** Natural log of the prediction, in its unit. */
  log_prediction: number;
  /** The mean creative at that time; of a target with the expected value of the trees. */
  baseline: Contribution;
  /** Effects of the funnel model and of empirical Bayes, or terms of later volume; largest first; none that is 0. */
  start: PriorContribution[];
  /** The creative's own counts so far. */
  early_evidence: Contribution;
  /** SHAP values of the trees, largest first; none that is 0. A stage has none. */
  features: FeatureContribution[];
  /** Features not listed one by one. */
  others: Contribution;
  /** Clipping of a share at 1, of later volume to the range of the training data; a factor of 1 as a rule. */
  held_at_1: Contribution;
}

/** One attribute of a creative that requests may name. */
export interface AttributeCard {
  /** Field of a creative. */
  name: string;
  /** `number`, `text` or `time`. */
  type: "number" | "text" | "time";
  /** Label in Chinese, with the unit. */
  zh: string;
  /** Label in English, with the unit. */
  en: string;
}

/** An additive contribution to the log of a prediction. */
export interface Contribution {
  /** Natural log; contributions add up. */
  log: number;
  /** exp(log); contributions multiply. [minimum 0] */
  factor: number;
}

/** One creative, before its launch or while it runs. Times without an offset are in the model's time zone. Its attributes are those of `features.attributes`; `roi_target` is the team's target, and the answer gives the probability that net ROI reaches it. */
export interface Creative {
  /** upload; 素材创建时间 */
  created_at?: string | null;
  /** launch; 投放时间 */
  launched_at?: string | null;
  /** price, CNY; 价格（元） */
  price_cny?: number | null;
  /** duration, s; 时长（秒） */
  duration_s?: number | null;
  /** ROI target; 目标ROI */
  roi_target?: number | null;
  /** KOC's followers; 达人粉丝数 */
  creator_followers?: number | null;
  /** product; 商品 */
  product_id?: string | null;
  /** KOC; 达人 */
  creator_id?: string | null;
  /** category; 类目 */
  category?: string | null;
  /** source of the creative; 素材来源 */
  creative_source?: string | null;
  /** copy text; 文案 */
  copy_text?: string | null;
  /** [maxLength 128] */
  creative_id: string;
  /** `live` (also 推直播, 直播) or `product` (also 推商品, 商品); answers name it `live` or `product`. [maxLength 64] */
  promotion_type: string;
  /** [maxLength 128] */
  account_id: string;
  /** Tag name → value; a list of values where the model takes several (`GET /v1/model` names them). */
  tags?: Record<string, unknown>;
  metrics?: MetricsRow[] | null;
  /** Instead of `metrics`. */
  sums?: LifetimeSums | null;
}

/** The shape of every error. */
export interface ErrorAnswer {
  /** For programs; docs/api.md lists the codes. */
  code: "body_too_slow" | "busy" | "contradiction" | "ended_early" | "failed" | "headers_too_large" | "headers_too_slow" | "key_rate" | "key_scope" | "keys_needed" | "media_type" | "method" | "no_key" | "no_model" | "not_found" | "not_planned" | "not_predicted" | "not_ready" | "not_understood" | "other_version" | "too_large" | "too_slow" | "unknown_host" | "unusable_file";
  /** The sentence in Chinese. */
  zh: string;
  /** The sentence in English. */
  en: string;
  /** The same as `en`. */
  error: string;
  /** Every problem found; at most 200. */
  errors: ProblemAnswer[];
  /** Also in the header `x-request-id` and the log. */
  request_id: string;
}

/** One feature of the model. */
export interface FeatureCard {
  /** As in explanations and in the ledger. */
  name: string;
  /** Label in Chinese. */
  zh: string;
  /** Label in English. */
  en: string;
  /** Of its values. */
  unit: string;
  /** Group of the catalogue. */
  group: string;
}

/** The contribution of one feature of the trees (its SHAP value). */
export interface FeatureContribution {
  /** Of the feature. */
  name: string;
  /** Label in Chinese. */
  zh: string;
  /** Label in English. */
  en: string;
  /** Value of the feature: a number in its unit or a category; null where it is not known. */
  value: number | string | null;
  /** Natural log; contributions add up. */
  log: number;
  /** exp(log); contributions multiply. [minimum 0] */
  factor: number;
}

/** One problem of an uploaded file, and the cure. */
export interface FileProblem {
  /** `row`: left out (the row, or the field that is named); `note`: odd, and kept. */
  severity: "row" | "note";
  /** Of which creative. */
  creative_id: string | null;
  /** Field of the creative. */
  field: string | null;
  /** Column of the file. */
  column: string | null;
  /** Rows, as a spreadsheet counts; the first few. */
  rows: number[];
  /** How many rows in all. [minimum 0] */
  count: number;
  /** What the file holds. */
  found: string;
  /** What would be right; may be empty. */
  expected: string;
  /** What to do. */
  cure: string;
  /** All three in Chinese. */
  zh: string;
}

/** What a hit is. */
export interface HitCard {
  /** In Chinese. */
  zh: string;
  /** In English. */
  en: string;
}

/** The expected value of a target and its prediction interval; no interval where the model has none. */
export interface IntervalEstimate {
  /** GPM and net GPM: CNY per 1,000 impressions; ROI and net ROI: CNY per CNY of spend; volume: impressions. Null for a creative with the warning `not_predictable`. */
  value: number | null;
  /** Lower end of the 80 % interval, in the unit of `value`. */
  low?: number | null;
  /** Upper end of the 80 % interval, in the unit of `value`. */
  high?: number | null;
}

/** The metrics from launch until an age. A value not given is not known, which is not 0. */
export interface LifetimeSums {
  /** [maximum 9600] */
  age_hours: number;
  /** Count. */
  impressions?: number | null;
  /** Count. */
  clicks?: number | null;
  /** Count. */
  cart_clicks?: number | null;
  /** Count. */
  orders?: number | null;
  /** Count. */
  net_orders?: number | null;
  /** Count. */
  plays?: number | null;
  /** Count. */
  plays_2s?: number | null;
  /** Count. */
  plays_3s?: number | null;
  /** Count. */
  plays_5s?: number | null;
  /** Count. */
  plays_10s?: number | null;
  /** Count. */
  finishes?: number | null;
  /** Count. */
  likes?: number | null;
  /** Count. */
  comments?: number | null;
  /** Count. */
  shares?: number | null;
  /** Count. */
  follows?: number | null;
  /** CNY. */
  spend_cny?: number | null;
  /** CNY. */
  base_spend_cny?: number | null;
  /** CNY. */
  boost_spend_cny?: number | null;
  /** CNY. */
  gmv_cny?: number | null;
  /** CNY. */
  net_gmv_cny?: number | null;
  /** CNY. */
  settled_gmv_7d_cny?: number | null;
  /** CNY. */
  settled_gmv_14d_cny?: number | null;
  /** CNY. */
  settled_gmv_30d_cny?: number | null;
  /** CNY. */
  settled_gmv_90d_cny?: number | null;
  /** Seconds. */
  watch_s?: number | null;
}

/** What one request may hold. */
export interface LimitsCard {
  /** Bytes of a body. [minimum 1024] */
  body_bytes: number;
  /** Creatives in one request. [minimum 1, maximum 500] */
  creatives: number;
}

/** The metrics of one period: an hour, a day, or the time between two readings. A value not given is not known, which is not 0. */
export interface MetricsRow {
  period_start: string;
  period_end: string;
  /** Count. */
  impressions?: number | null;
  /** Count. */
  clicks?: number | null;
  /** Count. */
  cart_clicks?: number | null;
  /** Count. */
  orders?: number | null;
  /** Count. */
  net_orders?: number | null;
  /** Count. */
  plays?: number | null;
  /** Count. */
  plays_2s?: number | null;
  /** Count. */
  plays_3s?: number | null;
  /** Count. */
  plays_5s?: number | null;
  /** Count. */
  plays_10s?: number | null;
  /** Count. */
  finishes?: number | null;
  /** Count. */
  likes?: number | null;
  /** Count. */
  comments?: number | null;
  /** Count. */
  shares?: number | null;
  /** Count. */
  follows?: number | null;
  /** CNY. */
  spend_cny?: number | null;
  /** CNY. */
  base_spend_cny?: number | null;
  /** CNY. */
  boost_spend_cny?: number | null;
  /** CNY. */
  gmv_cny?: number | null;
  /** CNY. */
  net_gmv_cny?: number | null;
  /** CNY. */
  settled_gmv_7d_cny?: number | null;
  /** CNY. */
  settled_gmv_14d_cny?: number | null;
  /** CNY. */
  settled_gmv_30d_cny?: number | null;
  /** CNY. */
  settled_gmv_90d_cny?: number | null;
  /** Seconds. */
  watch_s?: number | null;
}

/** The answer of `GET /v1/model`: which model serves, what it takes, how well it predicted the holdout. */
export interface ModelAnswer {
  /** Of the registered model, or of the bundle's folder. */
  name: string;
  /** Number in the registry, or the first 12 digits of the manifest's sha256. */
  version: string;
  /** End of the training data, ISO 8601. */
  trained_until: string;
  /** End of what is known of accounts, products, KOCs and tags, ISO 8601. */
  history_until: string;
  /** Which net money: a key of `basis` in the settings. */
  basis: string;
  /** Length of the outcome window, days. [minimum 1] */
  outcome_days: number;
  /** When the model was trained, ISO 8601, UTC. */
  created_at: string;
  /** sha256 of the training data. */
  data_fingerprint: string;
  /** sha256 of the feature declarations. */
  feature_fingerprint: string;
  /** Metric that counts as net money; null where the basis has none. */
  net_money: string | null;
  /** Of all times without an offset. */
  time_zone: string;
  /** Ages at which training creatives were observed, hours. */
  ages_hours: number[];
  /** Promotion types of the training data. */
  promotion_types: string[];
  /** Targets that are predicted. */
  targets: string[];
  /** The same with labels and units. */
  target_labels: TargetCard[];
  /** Target → the columns that the training data lack. */
  not_predicted: Record<string, string>;
  /** Stages of the funnel in order, then the volume. */
  stages: StageCard[];
  /** What `hit_chance` is the chance of; null where it is not predicted. */
  hit: HitCard | null;
  /** Metrics that the training data had; others are not used. */
  figures: string[];
  /** Attribute, `age_hours`, or metric (its sum over a life) → least and greatest in the training data. */
  ranges: Record<string, [number, number]>;
  /** Tag → its values. */
  tags: Record<string, TagCard>;
  /** Attributes of a creative that requests may name. */
  attributes: AttributeCard[];
  /** In the order of the feature matrix. */
  features: FeatureCard[];
  /** Creatives in the as-of table. [minimum 0] */
  creatives_known: number;
  /** Metric → its value on the holdout. */
  evaluation: Record<string, number | string | null>;
  limits: LimitsCard;
  /** Whether `/report` exists. */
  report: boolean;
  source: SourceCard;
}

/** Which model answered, and until when its data reach. Times are in the model's time zone. */
export interface ModelIdentity {
  /** Of the registered model, or of the bundle's folder. */
  name: string;
  /** Number in the registry, or the first 12 digits of the manifest's sha256. */
  version: string;
  /** End of the training data, ISO 8601. */
  trained_until: string;
  /** End of what is known of accounts, products, KOCs and tags, ISO 8601. */
  history_until: string;
  /** Which net money: a key of `basis` in the settings. */
  basis: string;
  /** Length of the outcome window, days. [minimum 1] */
  outcome_days: number;
}

/** A creative that is in neither list of a plan. */
export interface NotPlanned {
  /** As asked for. */
  creative_id: string;
  /** As asked for. */
  promotion_type: string;
  /** As asked for. */
  account_id: string;
  /** It has stopped, the model's data have metrics of it that the request leaves out, or it waits and launches cannot be chosen. */
  why: Sentence;
}

/** The answer of `POST /v1/plan`. */
export interface PlanAnswer {
  /** Also in the header `x-request-id`, the log and the ledger. */
  request_id: string;
  /** Which model answered. */
  model: ModelIdentity;
  /** Of the whole plan. */
  summary: PlanSummary;
  /** Launches first, then by falling gain. */
  candidates: PlannedCandidate[];
  /** Most money first. */
  running: PlannedRunning[];
  /** Creatives in neither list. */
  left_out: NotPlanned[];
  /** The plan in sentences. */
  said: PlanSentences;
}

/** Creatives to be planned for under a budget: those that wait are candidates, the others run. */
export interface PlanRequest {
  /** [maxItems 500] */
  creatives: Creative[];
  /** For the days of one outcome window; needed. A budget that is none is refused as by `make plan`, in words. [maximum 100000000.0] */
  budget_cny?: number | null;
  /** How many candidates; none: as many as add expected gain. */
  launch?: number | null;
  model_version?: string | null;
}

/** What is said of the whole plan, as in the report's section. */
export interface PlanSentences {
  /** Budget, launches, today's money. */
  headline: Sentence;
  /** What the launches gain, and why the other candidates wait; or why launches cannot be chosen, and the cure, with names of fields in backticks. */
  launches: Sentence;
  /** How today's money is split, and which decisions the evidence does not bear out. */
  split: Sentence;
  /** What evidence is. */
  evidence: Sentence;
  /** That the platform delivers, and what bands go over. */
  platform: Sentence;
  /** What holds, and what does not. */
  promise: Sentence;
}

/** Figures of a whole plan; money in CNY. */
export interface PlanSummary {
  /** As asked for. */
  budget: number;
  /** That it is for. [minimum 1] */
  days: number;
  /** The ROI that it is about. */
  roi: string;
  /** Creatives that wait. [minimum 0] */
  candidates: number;
  /** Different ideas among them; at most one creative of each is launched. [minimum 0] */
  ideas: number;
  /** How many are launched. [minimum 0] */
  launched: number;
  /** For all launches. [minimum 0] */
  test_money: number;
  /** Creatives that run. [minimum 0] */
  running: number;
  /** Of these, called below their target. [minimum 0] */
  stopped: number;
  /** Of these, called above it. [minimum 0] */
  scaled: number;
  /** Of running creatives, for one day. [minimum 0] */
  today: number;
  /** Of that, what targets, caps and the bound on change leave. [minimum 0] */
  unspent: number;
  /** How launches were chosen; empty where none were. */
  method: "exact" | "greedy" | "";
  /** Expected net money less target times spend, of the launches. */
  gain: number;
  /** Least over how far delivery follows the budget. */
  gain_low: number;
  /** Greatest over the same. */
  gain_high: number;
  /** Share of the greatest possible gain that may be missing, what was given up for hits included. [minimum 0] */
  gain_gap: number;
  /** The number of hits that `hit_chance` is about. [minimum 1] */
  hits: number;
  /** Of at least so many hits among the launches. [minimum 0, maximum 1] */
  hit_chance: number;
  /** Bound on that of every choice with as much gain; null where there is none. */
  most_hit_chance: number | null;
  /** Bound on the probability that a creative at its target is ever called below it. [minimum 0, maximum 1] */
  error: number;
  /** Of all random draws. */
  seed: number;
  /** That bands go over: how far delivery follows the money asked for. */
  elasticities: number[];
}

/** One candidate of a plan; money in CNY. */
export interface PlannedCandidate {
  /** As asked for. */
  creative_id: string;
  /** As asked for. */
  promotion_type: string;
  /** As asked for. */
  account_id: string;
  /** Whether it is launched. */
  part: "launch" | "reserve";
  /** ROI to reach. */
  target: number;
  /** Expected ROI. */
  roi: number;
  /** Of a hit. [minimum 0, maximum 1] */
  hit_chance: number;
  /** Spend before which it cannot be called below its target. */
  minimum: number;
  /** Spend until it can be told from another like it; null where that is not known. */
  told_apart: number | null;
  /** Test money; 0 of a reserve. [minimum 0] */
  test: number;
  /** As of the whole plan. */
  gain: number;
  /** As of the whole plan. */
  gain_low: number;
  /** As of the whole plan. */
  gain_high: number;
  /** Until its test money is spent. */
  days: number;
  /** Least over how far delivery follows the budget. */
  days_low: number;
  /** Greatest over the same. */
  days_high: number;
  /** Launched; else why not: a launch has its idea, it is expected to gain nothing, or others gain more. */
  standing: "launch" | "same_idea" | "no_gain" | "other";
  /** Candidates of the same idea, this one included. [minimum 1] */
  alike: number;
  /** Why it is launched or not, and where its verdict says something else. */
  why: Sentence;
  /** Days of its test. */
  takes: Sentence;
}

/** One running creative of a plan; money in CNY. */
export interface PlannedRunning {
  /** As asked for. */
  creative_id: string;
  /** As asked for. */
  promotion_type: string;
  /** As asked for. */
  account_id: string;
  /** Below target, above it, or neither is shown yet. */
  call: "stop" | "scale" | "watch";
  /** e-value; the call is `stop` from 1 / `error` on. [minimum 0] */
  evidence_below: number;
  /** e-value; the call is `scale` from 1 / `error` on. [minimum 0] */
  evidence_above: number;
  /** ROI to reach. */
  target: number;
  /** Expected ROI. */
  roi: number;
  /** So far. [minimum 0] */
  spent: number;
  /** Mean daily spend of the last days. [minimum 0] */
  yesterday: number;
  /** Money of the day. [minimum 0] */
  today: number;
  /** Against `yesterday`; null where that is 0. */
  change: number | null;
  /** With which it runs today. [minimum 0, maximum 1] */
  propensity: number;
  /** The same, and what was drawn. */
  funded: Sentence;
  /** Its call, and the size of the evidence. */
  evidence: Sentence;
  /** Where verdict, evidence and money of the day do not go together, and why. */
  notes: Sentence;
}

/** The expected rate of a funnel stage. */
export interface PointEstimate {
  /** In the stage's unit (`GET /v1/model`: `stages`); null for a creative with the warning `not_predictable`. */
  value: number | null;
}

/** The answer of `POST /v1/predict`. */
export interface PredictAnswer {
  /** Also in the header `x-request-id`, the log and the ledger. */
  request_id: string;
  /** Which model answered. */
  model: ModelIdentity;
  /** In the order of the request. */
  predictions: Prediction[];
}

/** Creatives to be predicted. */
export interface PredictRequest {
  /** [maxItems 500] */
  creatives: Creative[];
  explain?: boolean;
  /** Features listed one by one in the explanation of each target, the rest as one sum; none: 20; 1000: all. */
  top?: number | null;
  /** Answer only if this version serves; else 409. */
  model_version?: string | null;
}

/** The forecast for one creative over the coming outcome window. */
export interface Prediction {
  /** As in the request. */
  creative_id: string;
  /** As in the request. */
  account_id: string;
  /** As in the request. */
  promotion_type: string;
  /** Hours since launch; 0 before it. [minimum 0] */
  age_hours: number;
  /** `waiting`: not shown yet; `running`: shown in the last two days that its account has reported; else `stopped`. Reported: until the end of its rows, or of the model's data of the account where that is later. */
  status: "waiting" | "running" | "stopped";
  /** Stage → expected rate. */
  stages: Record<string, PointEstimate>;
  /** Target → expected value and interval; `later_impressions` is the volume. */
  targets: Record<string, IntervalEstimate>;
  /** The creative's own `roi_target`, else that of the model's settings; CNY per CNY. [minimum 0] */
  asked_roi: number;
  /** P(net ROI ≥ asked_roi), of ROI where net ROI is not predicted; null where it is not calibrated. */
  chance_of_target: number | null;
  /** Probability of a hit (`GET /v1/model`: `hit`); null where it is not calibrated. */
  hit_chance: number | null;
  /** What to do. */
  verdict: VerdictAnswer;
  /** Running: predicted later spend × (predicted net ROI − asked_roi), CNY; else null, as without ROI. */
  stake_cny: number | null;
  /** Waiting: spend in CNY until it can be told from the median candidate (`verdict.distinguish_probability`, 80 %); else null, as where the cost of traffic is not known. */
  test_cny: number | null;
  /** Metric → its sum so far (counts, CNY); null where not known. */
  evidence: Record<string, number | null>;
  /** Reasons to read it with care. */
  warnings: WarningAnswer[];
  /** With `explain`; else, and of a creative with the warning `not_predictable`, left out. */
  explanation?: PredictionExplanation | null;
}

/** By stage (the funnel model alone), and by target: the signed sum of its heads, each with its weights. */
export interface PredictionExplanation {
  /** Stage → explanation of its rate. */
  stages: Record<string, AdditiveExplanation>;
  /** Target → explanation of its value. */
  targets: Record<string, AdditiveExplanation>;
}

/** The contribution of one term of the prior: a fixed effect, or an account, product, KOC or tag value. */
export interface PriorContribution {
  /** Of the term. */
  name: string;
  /** Label in Chinese. */
  zh: string;
  /** Label in English. */
  en: string;
  /** Natural log; contributions add up. */
  log: number;
  /** exp(log); contributions multiply. [minimum 0] */
  factor: number;
}

/** One problem of a request. */
export interface ProblemAnswer {
  /** Of which creative; null: of none, or not known. */
  creative_id: string | null;
  /** Path of the field, as `creatives[2].metrics[0].clicks`; null: the whole request. */
  field: string | null;
  /** What is wrong. */
  problem: string;
  /** What would be right. */
  hint: string;
  /** Both in Chinese. */
  zh: string;
}

/** The answer of `POST /v1/rank`. */
export interface RankAnswer {
  /** Also in the header `x-request-id`, the log and the ledger. */
  request_id: string;
  /** Which model answered. */
  model: ModelIdentity;
  /** The target that decides the order. */
  by: string;
  /** How many are wanted, or the budget pays for. [minimum 0] */
  top: number;
  /** Best first. */
  ranking: RankedCreative[];
}

/** Candidates to be put in order; either `budget_cny` or `top` gives how many are wanted. */
export interface RankRequest {
  /** [maxItems 500] */
  creatives: Creative[];
  by?: "gpm" | "net_gpm" | "roi" | "net_roi";
  budget_cny?: number | null;
  /** What trying one candidate costs; needed with a budget. */
  spend_cny?: number | null;
  top?: number | null;
  model_version?: string | null;
}

/** One candidate in its place. */
export interface RankedCreative {
  /** From 1, the best. [minimum 1] */
  place: number;
  /** As in the request. */
  creative_id: string;
  /** As in the request. */
  promotion_type: string;
  /** As in the request. */
  account_id: string;
  /** Expected value of the target `by`, in its unit; null for a creative with the warning `not_predictable`. */
  value: number | null;
  /** Probability that it is among the first `top`; null where `value` is. */
  chance_in_top: number | null;
  /** Whether it is among the first `top` here; never where `value` is null. */
  funded: boolean;
  /** Reasons to read it with care. */
  warnings: WarningAnswer[];
}

/** The answer of `POST /v1/read`: an uploaded file as creatives. */
export interface ReadAnswer {
  /** Also in the header `x-request-id` and the log. */
  request_id: string;
  /** Name of the layout that the file has. */
  source: string;
  /** In the order of the file. */
  creatives: UploadedCreative[];
  /** At most 200. */
  problems: FileProblem[];
  /** How many problems are not listed. [minimum 0] */
  more: number;
}

/** Something said in two languages; both empty where there is nothing to say. */
export interface Sentence {
  /** In Chinese. */
  zh: string;
  /** In English. */
  en: string;
}

/** Where the model comes from. */
export interface SourceCard {
  /** The registry that the service follows, or the bundle folder, and what named it. */
  following: string;
  /** Whether the model is the one that was named there when the service last asked. */
  confirmed: boolean;
  /** Why it is not, or which other champions there are; empty for nothing to say. */
  note: string;
}

/** One stage of the funnel, or the volume. */
export interface StageCard {
  /** As in `stages` and `targets` of a prediction. */
  name: string;
  /** Label in Chinese. */
  zh: string;
  /** Label in English. */
  en: string;
  /** Of its values. */
  unit: string;
}

/** One tag of the model. */
export interface TagCard {
  /** Whether a creative may have several values of it. */
  several: boolean;
  /** Values in the training data. */
  values: string[];
}

/** One target of the model. */
export interface TargetCard {
  /** As in `targets` of a prediction. */
  name: string;
  /** Label in Chinese. */
  zh: string;
  /** Label in English. */
  en: string;
  /** `cny per 1,000`, `ratio`, `count` or `cny`. */
  unit: string;
  /** Whether it is a rate that `/v1/rank` can order by; else it is later volume. */
  rate: boolean;
}

/** One creative of an uploaded file. */
export interface UploadedCreative {
  /** Its first row, as a spreadsheet counts; null where it has none. */
  row: number | null;
  /** Title of the creative in the file. */
  name: string | null;
  /** Name of its product in the file. */
  product_name: string | null;
  /** Name of its KOC in the file. */
  creator_name: string | null;
  /** As in `creatives` of `POST /v1/predict`, without the keys in `missing`. */
  creative: Record<string, unknown>;
  /** Keys that neither the file nor the caller gives. */
  missing: string[];
}

/** What to do with the creative, and why. */
export interface VerdictAnswer {
  /** Running: `scale`, `hold`, `bid_less`, `watch`, `stop`; waiting: `first`, `reserve`, `skip`; empty: it has stopped, or no chance is known. */
  name: "scale" | "hold" | "bid_less" | "watch" | "stop" | "first" | "reserve" | "skip" | "";
  /** The reason in Chinese; of a stopped creative what came of it. */
  zh: string;
  /** The reason in English. */
  en: string;
}

/** A reason to read a prediction with care. */
export interface WarningAnswer {
  /** For programs; docs/api.md lists the codes. */
  code: string;
  /** The sentence in Chinese. */
  zh: string;
  /** The sentence in English. */
  en: string;
}

/** Path → what is sent and what comes back; errors are an ErrorAnswer. */
export interface Paths {
  "/v1/predict": { method: "POST"; body: PredictRequest; answer: PredictAnswer };
  "/v1/rank": { method: "POST"; body: RankRequest; answer: RankAnswer };
  "/v1/plan": { method: "POST"; body: PlanRequest; answer: PlanAnswer };
  "/v1/read": { method: "POST"; body: Blob; query: { name?: string; account_id?: string; promotion_type?: string }; answer: ReadAnswer };
  "/v1/model": { method: "GET"; answer: ModelAnswer };
  "/v1/schema/{name}": { method: "GET"; answer: unknown };
  "/v1/openapi.json": { method: "GET"; answer: unknown };
  "/docs": { method: "GET"; answer: string };
  "/livez": { method: "GET"; answer: string };
  "/healthz": { method: "GET"; answer: string };
  "/readyz": { method: "GET"; answer: string };
  "/metrics": { method: "GET"; answer: string };
  "/": { method: "GET"; answer: string };
  "/report": { method: "GET"; answer: string };
}
