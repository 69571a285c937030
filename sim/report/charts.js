// Draws the charts of a report. Each <figure data-chart="KIND" data-…> of the page gets one, made by the function of
// that name below from the result: it returns a legend and a Vega specification.
(function () {
  const {result, ink, quiet, width, gutter, bar, panel_top, whole, short, number, percent, time_unit, system_of,
          values, field, rows_of, names_of, group, text, text_from, panel, linear, specification,
          groups_by_regime, baseline} = pieces;

  // parts of time: work in greens, overheads in sand, exposed communication in purples and reds, waiting in grey
  const work_colours = {compute: "#117733", memory: "#66b79d", launch: "#ddcc77", host: "#999933", bubble: "#c3c7cd"};
  const exposed_colours = ["#882255", "#cc6677", "#6b4c9a", "#d79bb7", "#aa4499", "#5b3a5e", "#e0b0a0", "#94708d"];
  const memory_parts = [
    {name: "weights", colour: "#44546a"}, {name: "gradients", colour: "#8497b0"},
    {name: "optimiser", colour: "#b4bfcf"}, {name: "activations", colour: "#c9a66b"},
    {name: "cache", colour: "#5aa38f"}, {name: "reserved", colour: "#c3c7cd"}];

  /// Parts of time with their colours, in the order in which they are shown: work, overheads, communication, waiting.
  function time_parts(phases) {
    const names = [...new Set(phases.flatMap((phase) => Object.keys(phase.breakdown_seconds)))];
    const first = ["compute", "memory", "launch", "host"];
    const exposed = names.filter((name) => !(name in work_colours)).sort();
    return [...first, ...exposed, "bubble"].filter((name) => names.includes(name)).map((name) => ({
      name, colour: work_colours[name] || exposed_colours[exposed.indexOf(name) % exposed_colours.length]}));
  }
  // a part has one colour in all charts
  const all_time_parts = time_parts((result.cases || []).flatMap((one) => one.phases));

  const is_dark = (colour) =>
    [1, 3, 5].reduce((sum, at, i) => sum + parseInt(colour.substr(at, 2), 16) * [0.299, 0.587, 0.114][i], 0) < 140;

  // ---- the charts

  const charts = {};

  /// Bars by system, a column for each measure; a column shares its scale over all regimes.
  charts.throughput = function ({workload}) {
    const layout = rows_of(groups_by_regime(workload, () => true,
                                            (one) => ({throughput: one.throughput, refused: one.refused})));
    const measures = [["per_system", "whole machine"], ["per_chip", "per chip"], ["per_rank", "per die or GPU"],
                      ["per_watt", "per watt"]];
    if (layout.rows.some((row) => row.throughput.per_dollar)) {
      measures.push(["per_dollar", "tokens per dollar of rent"]);
    }
    const each = (width - gutter) / measures.length;
    const panels = measures.map(([measure, caption], i) => {
      const said = ({refused, throughput}) => refused ? (i === 0 ? "no plan" : "")
        : measure in throughput ? number(throughput[measure]) : "no price";
      const rows = layout.rows.map((row) => ({...row, value: row.throughput[measure] || 0, text: said(row)}));
      const most = Math.max(...rows.map((row) => row.value));
      return panel(gutter + i * each, each - 16, layout.height, caption, {
        data: [{name: "bars", values: rows}], scales: [linear("x", most, each - 90)],
        marks: [
          {type: "rect", from: {data: "bars"}, encode: values({
            x: 0, width: field("value", "x"), y: {field: "y", offset: bar.y}, height: bar.height,
            fill: field("colour"), tooltip: field("text")})},
          baseline(layout.height),
          text_from("bars", {x: {scale: "x", field: "value", offset: 6}, y: {field: "y", offset: 13},
                             text: field("text")}),
        ]});
    });
    return {spec: specification(panel_top + layout.height, "Throughput of " + workload,
                                [names_of(layout, panel_top), ...panels])};
  };

  /// p50, p95 and p99 on a line, and the limit that the objective sets.
  charts.latency = function ({workload}) {
    const layout = rows_of(groups_by_regime(workload, (one) => one.ttft || one.tpot,
                                            (one) => ({ttft: one.ttft, tpot: one.tpot, objective: one.objective})));
    const each = (width - gutter) / 2;
    const panels = [["ttft", "time to first token"], ["tpot", "time per output token"]].map(([key, caption], i) => {
      const rows = layout.rows.filter((row) => row[key]);
      const limits = rows.filter((row) => row.objective).map((row) => row.objective[key + "_seconds"]);
      const most = Math.max(...rows.map((row) => row[key].p99_seconds), ...limits);
      const unit = time_unit(most);
      const limit = limits.length && Math.min(...limits) === Math.max(...limits) ? [limits[0]] : [];
      const dots = rows.map((row) => ({...row, text: unit.text(row[key].p95_seconds),
        p50: unit.of(row[key].p50_seconds), p95: unit.of(row[key].p95_seconds), p99: unit.of(row[key].p99_seconds),
        tip: ["p50", "p95", "p99"].map((p) => p + " " + unit.text(row[key][p + "_seconds"])).join(", ")}));
      const dot = (at, size, fill) => ({type: "symbol", from: {data: "dots"}, encode: values({
        x: field(at, "x"), y: {field: "y", offset: 13}, size, strokeWidth: 2, stroke: field("colour"),
        fill: fill || field("colour"), tooltip: field("tip")})});
      return panel(gutter + i * each, each - 40, layout.height, caption + ", " + unit.name, {
        data: [{name: "dots", values: dots}],
        scales: [{name: "x", type: "linear", domain: [0, unit.of(most) * 1.06], range: [0, each - 110]}],
        axes: [{scale: "x", orient: "bottom", grid: true, tickCount: 5}],
        marks: [
          ...limit.flatMap((at) => [
            {type: "rule", encode: values({x: {scale: "x", value: unit.of(at)}, y: -6, y2: layout.height, stroke: ink,
                                           strokeDash: {value: [4, 3]}})},
            text({x: {scale: "x", value: unit.of(at)}, y: -14, align: "center", text: "limit " + short.format(unit.of(at)) + " " + unit.name,
                  fontSize: 12})]),
          {type: "rule", from: {data: "dots"}, encode: values({
            x: field("p50", "x"), x2: field("p99", "x"), y: {field: "y", offset: 13}, stroke: field("colour"),
            strokeWidth: 2, opacity: 0.5})},
          dot("p50", 50, "#ffffff"), dot("p99", 26), dot("p95", 110),
          text({x: each - 44, y: -14, align: "right", text: "p95", fill: quiet}),
          text_from("dots", {x: each - 44, y: {field: "y", offset: 13}, align: "right", text: field("text")}),
        ]});
    });
    return {spec: specification(panel_top + layout.height + 24, "Latency of " + workload,
                                [names_of(layout, panel_top), ...panels])};
  };

  /// One row's values one after the other, from 0.
  function stacked(row, parts, value_of) {
    let from = 0;
    return parts.map(({name, colour}) => {
      const value = value_of(row, name);
      const piece = {y: row.y, part: name, fill: colour, on: is_dark(colour) ? "#ffffff" : ink, from, to: from + value};
      from += value;
      return piece;
    }).filter((piece) => piece.to > piece.from);
  }

  const pieces_mark = {type: "rect", from: {data: "pieces"}, encode: values({
    x: field("from", "x"), x2: field("to", "x"), y: {field: "y", offset: bar.y}, height: bar.height,
    fill: field("fill"), stroke: "#ffffff", strokeWidth: 0.7, tooltip: field("tip")})};

  /// The time of a phase by part: how long on the left, which share on the right.
  charts.time = function ({workload, phase}) {
    const phase_of = (one) => one.phases.find((candidate) => candidate.name === phase);
    const layout = rows_of(groups_by_regime(workload, phase_of, (one) => ({phase: phase_of(one)})));
    const spent = (row, part) => row.phase.breakdown_seconds[part] || 0;
    const share = (row, part) => spent(row, part) / row.phase.time_seconds;
    const parts = all_time_parts.filter(({name}) => layout.rows.some((row) => spent(row, name) > 0));
    const most = Math.max(...layout.rows.map((row) => row.phase.time_seconds));
    const unit = time_unit(most);
    const times = layout.rows.flatMap((row) => stacked(row, parts, spent).map((piece) => ({...piece,
      tip: piece.part + ": " + unit.text(piece.to - piece.from)})));
    const shares = layout.rows.flatMap((row) => stacked(row, parts, share).map((piece) => ({...piece,
      middle: (piece.from + piece.to) / 2, tip: piece.part + ": " + percent(piece.to - piece.from),
      text: piece.to - piece.from >= 0.06 ? Math.round((piece.to - piece.from) * 100) + " %" : ""})));
    const totals = layout.rows.map((row) => ({...row, at: row.phase.time_seconds,
      text: unit.text(row.phase.time_seconds) + ", batch " + whole.format(row.phase.batch_sequences)}));
    const left = 410, right = width - gutter - left - 20;
    return {legend: parts, spec: specification(panel_top + layout.height,
      "Where the time of the " + phase + " goes, " + workload, [
        names_of(layout, panel_top),
        panel(gutter, left, layout.height, "time", {
          data: [{name: "pieces", values: times}, {name: "totals", values: totals}],
          scales: [linear("x", most, left - 170)],
          marks: [pieces_mark, baseline(layout.height),
                  text_from("totals", {x: {scale: "x", field: "at", offset: 6}, y: {field: "y", offset: 13},
                                       text: field("text")})]}),
        panel(gutter + left + 20, right, layout.height, "share", {
          data: [{name: "pieces", values: shares}], scales: [linear("x", 1, right)],
          marks: [pieces_mark,
                  text_from("pieces", {x: field("middle", "x"), y: {field: "y", offset: 13.5}, text: field("text"),
                                       align: "center", fontSize: 11.5, fill: field("on")})]}),
      ])};
  };

  /// What the fullest rank holds, within the outline of what it has.
  charts.memory = function ({workload}) {
    const cases = result.cases.filter((one) => one.workload === workload);
    const keys = [...new Set(cases.flatMap((one) => one.phases.map((phase) => phase.name + ", " + one.regime)))];
    const layout = rows_of(keys.map((heading) => ({heading, items: cases.flatMap((one) =>
      one.phases.filter((phase) => phase.name + ", " + one.regime === heading)
                .map((phase) => ({...system_of(one), memory: phase.memory})))})));
    const held = (row, part) => row.memory[part + "_bytes"];
    const parts = memory_parts.filter(({name}) => layout.rows.some((row) => held(row, name) > 0));
    const gigabytes = (bytes) => number(bytes / 1e9) + " GB";
    const pieces = layout.rows.flatMap((row) => stacked(row, parts, held).map((piece) => ({...piece,
      tip: piece.part + ": " + gigabytes(piece.to - piece.from)})));
    const sizes = layout.rows.map((row) => ({...row, size: row.memory.size_bytes,
      end: Math.max(row.memory.size_bytes, row.memory.total_bytes),
      text: gigabytes(row.memory.total_bytes) + " of " + gigabytes(row.memory.size_bytes) + " (" +
            percent(row.memory.total_bytes / row.memory.size_bytes) + ")"}));
    const most = Math.max(...sizes.map((row) => row.end));
    const room = width - gutter;
    return {legend: parts, spec: specification(layout.height + 6, "Memory of " + workload, [
      names_of(layout, 6),
      group(gutter, 6, room, layout.height, {
        data: [{name: "pieces", values: pieces}, {name: "sizes", values: sizes}],
        scales: [linear("x", most, room - 210)],
        marks: [
          {type: "rect", from: {data: "sizes"}, encode: values({
            x: 0, width: field("size", "x"), y: {field: "y", offset: bar.y}, height: bar.height,
            fill: "#ffffff", stroke: "#aab3bf"})},
          pieces_mark,
          text_from("sizes", {x: {scale: "x", field: "end", offset: 8}, y: {field: "y", offset: 13},
                              text: field("text")})]})])};
  };

  /// 1, 2 and 5 of each power of ten from one value to another; the powers alone where they are many.
  function logarithmic_ticks(least, most) {
    const steps = most / least > 200 ? [1] : [1, 2, 5];
    const ticks = [];
    for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
      ticks.push(...steps.map((step) => step * power).filter((tick) => tick >= least && tick <= most));
    }
    return ticks;
  }

  /// Throughput against chips, the whole and per chip, a line a system.
  charts.scaling = function ({workload}) {
    const height = 300, left = 64, gap = 76, room = (width - 2 * left - gap) / 2;
    const points = result.points.filter((point) => point.workload === workload);
    const named = points.map((point) => ({...point, ...system_of(point),
      tip: system_of(point).name + ", " + point.chips.toLocaleString("en-US") + " chips: "}));
    const done = named.filter((point) => !point.refused).map((point) => ({...point,
      whole: point.throughput.per_system, each: point.throughput.per_chip, hollow: point.domains > 1,
      tip: point.tip + number(point.throughput.per_system) + " " + point.throughput.unit + ", " +
           number(point.throughput.per_chip) + " per chip"}));
    const refused = named.filter((point) => point.refused).map((point) => ({...point,
      at: height - 7 - 11 * point.place, tip: point.tip + point.refused}));
    const unit = done.length ? done[0].throughput.unit : "";
    const chips = points.map((point) => point.chips);
    const chip_ticks = [];
    for (let tick = Math.min(...chips); tick <= Math.max(...chips); tick *= 2) {
      chip_ticks.push(tick);
    }
    const wholes = done.length ? done.map((point) => point.whole) : [1];
    const least = Math.min(...wholes) / 1.5, most = Math.max(...wholes) * 1.5;
    const plot = (key, x, caption, y_scale, y_axis) => group(x, panel_top + 4, room, height, {
      scales: [{name: "x", type: "log", domain: [Math.min(...chips) * 0.85, Math.max(...chips) * 1.18], range: [0, room]},
               {name: "y", range: [height, 0], ...y_scale}],
      axes: [{scale: "x", orient: "bottom", values: chip_ticks, title: "chips", format: ",", labelOverlap: true},
             {scale: "y", orient: "left", grid: true, domain: false, ticks: false, labelPadding: 6, ...y_axis}],
      marks: [
        text({x: -left, y: -20, text: caption, fill: quiet}),
        {type: "group", from: {facet: {name: "line", data: "done", groupby: "system"}}, marks: [
          {type: "line", from: {data: "line"}, encode: values({
            x: field("chips", "x"), y: field(key, "y"), stroke: field("colour"), strokeWidth: 2.5})}]},
        {type: "symbol", from: {data: "done"}, encode: values({
          x: field("chips", "x"), y: field(key, "y"), size: 60, stroke: field("colour"), strokeWidth: 2,
          fill: [{test: "datum.hollow", value: "#ffffff"}, field("colour")], tooltip: field("tip")})},
        {type: "symbol", from: {data: "refused"}, encode: values({
          x: field("chips", "x"), y: field("at"), shape: "cross", angle: 45, size: 70, fill: field("colour"),
          tooltip: field("tip")})},
      ]});
    return {spec: specification(panel_top + height + 52, "Throughput of " + workload + " against chips", [
      plot("whole", left, unit, {type: "log", domain: [least, most]},
           {values: logarithmic_ticks(least, most), format: "~s"}),
      plot("each", 2 * left + room + gap - 24, unit + " per chip",
           {type: "linear", domain: [0, Math.max(...done.map((point) => point.each), 0) || 1], nice: true},
           {tickCount: 6}),
    ], [{name: "done", values: done}, {name: "refused", values: refused}])};
  };

  /// The ratio of the leader to the next where each figure is at an end of its range, and where all are drawn.
  charts.tornado = function ({workload, regime}) {
    const contest = result.uncertainty.contests.find((one) => one.workload === workload && one.regime === regime);
    const most = 12, names = 420, ends = 76, room = width - names;
    const times = (ratio) => number(ratio) + "×";
    const draws = [["all figures at random, 90 %", contest.by_figures],
                   ["and the model's own error, 90 %", contest.with_model_error]];
    const of_figure = (figure) => {
      // where no plan fits there is no ratio
      const low = figure.ratio_at_low ?? contest.ratio, high = figure.ratio_at_high ?? contest.ratio;
      const shown = (text, at) => (Math.abs(at / contest.ratio - 1) > 1e-3 ? text.replace(/ us$/, " µs") : "");
      const [left, right] = low <= high ? ["low", "high"] : ["high", "low"];
      return {name: figure.file.replace(/^studies.*/, "study").replace(/^.*\//, "") + "  " + figure.figure, low, high,
              colour: figure.systems.length === 1 ? system_of({system: figure.systems[0]}).colour : quiet,
              left: shown(figure[left], Math.min(low, high)), right: shown(figure[right], Math.max(low, high)),
              tip: figure.low + ": " + times(low) + ", " + figure.high + ": " + times(high) + " (" + figure.evaluated + ")"};
    };
    const layout = rows_of([
      {items: draws.map(([name, odds]) => ({
        name, low: odds.ratio_low, high: odds.ratio_high, colour: ink, left: times(odds.ratio_low),
        right: times(odds.ratio_high), tip: percent(odds.leader_wins) + " of the draws above 1"}))},
      {items: contest.figures.slice(0, most).map(of_figure)}]);
    const bars = layout.rows.map((row) => ({...row, from: Math.min(row.low, row.high, contest.ratio),
                                            to: Math.max(row.low, row.high, contest.ratio)}));
    const halves = bars.flatMap((row) => row.colour === ink ? [{...row, strength: 1}]
      : [{...row, from: contest.ratio, to: row.low, strength: 0.45}, {...row, from: contest.ratio, to: row.high, strength: 1}]);
    const domain = [Math.min(0.98, ...bars.map((row) => row.from)), Math.max(1.02, ...bars.map((row) => row.to))];
    const ticks = [];
    for (let tick = Math.ceil(domain[0] * 10) / 10; tick <= domain[1]; tick += 0.1) {
      ticks.push(tick);
    }
    const line_at = (at, caption, dash, align, offset) => [
      {type: "rule", encode: values({x: {scale: "x", value: at}, y: -4, y2: layout.height, stroke: ink,
                                     strokeDash: {value: dash}})},
      text({x: {scale: "x", value: at, offset}, y: -13, align, text: caption, fontSize: 12})];
    const end = (at, key, align, offset) => text_from("bars", {
      x: {scale: "x", field: at, offset}, y: {field: "y", offset: 13}, text: field(key), align, fontSize: 11.5,
      fill: quiet, stroke: "#ffffff", strokeWidth: 3, strokeJoin: "round"});
    return {spec: specification(panel_top + layout.height + 40, "What moves the ratio, " + workload + ", " + regime, [
      names_of(layout, panel_top, names),
      group(names, panel_top, room, layout.height, {
        data: [{name: "bars", values: bars}, {name: "halves", values: halves}],
        scales: [{name: "x", type: "log", domain, range: [ends, room - ends]}],
        axes: [{scale: "x", orient: "bottom", grid: true, values: ticks, format: ".1f", labelOverlap: true,
                title: system_of({system: contest.leader}).name + " over " + system_of({system: contest.next}).name}],
        marks: [
          {type: "rect", from: {data: "halves"}, encode: values({
            x: field("from", "x"), x2: field("to", "x"), y: {field: "y", offset: bar.y}, height: bar.height,
            fill: field("colour"), fillOpacity: field("strength"), tooltip: field("tip")})},
          // the leader's ratio is 1 or more: to both sides, so that they never meet
          ...line_at(contest.ratio, times(contest.ratio), [], "left", -2), ...line_at(1, "level", [4, 3], "right", 2),
          end("from", "left", "right", -5), end("to", "right", "left", 5)]})])};
  };

  // ---- drawing

  function add_legend(figure, parts) {
    const legend = figure.appendChild(document.createElement("div"));
    legend.className = "legend";
    for (const {name, colour} of parts) {
      const item = legend.appendChild(document.createElement("span"));
      const swatch = item.appendChild(document.createElement("span"));
      swatch.className = "swatch";
      swatch.style.setProperty("--colour", colour);
      item.append(name);
    }
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const {legend, spec} = charts[figure.dataset.chart](figure.dataset);
    if (legend) {
      add_legend(figure, legend);
    }
    const place = figure.appendChild(document.createElement("div"));
    const view = new vega.View(vega.parse(spec), {renderer: "svg", container: place, hover: true,
                                                  logLevel: vega.Warn});
    view.runAsync().catch((problem) => console.error(figure.dataset.chart + " chart: " + problem));
  }
})();
