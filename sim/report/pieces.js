// What the charts of a report have in common: the result that lies in the page as JSON, how numbers are written, and
// pieces of Vega specifications.
"use strict";
const pieces = (function () {
  const result = JSON.parse(document.getElementById("result").textContent);
  const style = getComputedStyle(document.documentElement);
  const font = getComputedStyle(document.body).fontFamily;
  const ink = style.getPropertyValue("--ink").trim();
  const quiet = style.getPropertyValue("--quiet").trim();
  const line = style.getPropertyValue("--line").trim();
  const colours = Array.from({length: 12}, (_, i) => style.getPropertyValue("--system-" + i).trim());

  const width = 1080;   // of every chart; the page scales it down where there is less room
  const gutter = 236;   // for the rows' names, at the left
  const row_height = 27;
  const bar = {y: 3, height: 20};
  const panel_top = 26;  // under the panels' captions

  // numbers: three significant digits, thousands separated
  const digits = new Intl.NumberFormat("en-US", {minimumSignificantDigits: 3, maximumSignificantDigits: 3});
  const whole = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
  const short = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 3});
  const number = (value) => (value === 0 ? "0" : digits.format(value));
  const percent = (share) => (share * 100).toFixed(1) + " %";
  /// The unit that times up to this one are read in.
  function time_unit(seconds) {
    const [name, scale] = seconds >= 1 ? ["s", 1] : seconds >= 1e-3 ? ["ms", 1e-3] : ["µs", 1e-6];
    return {name, of: (time) => time / scale, text: (time) => number(time / scale) + " " + name};
  }

  const systems = new Map(result.systems.map((system, i) =>
    [system.name, {name: system.display_name, colour: colours[i % colours.length], place: i}]));
  const system_of = (one) => systems.get(one.system) || {name: one.system, colour: quiet, place: 0};

  // ---- pieces of Vega

  const values = (channels) => ({enter: Object.fromEntries(Object.entries(channels).map(([name, value]) =>
    [name, typeof value === "object" ? value : {value}]))});
  const field = (name, scale) => (scale ? {scale, field: name} : {field: name});

  /// Rows of text and bars: under a heading for each group, one row for each of its items.
  function rows_of(groups) {
    const headings = [], rows = [];
    let y = 0;
    for (const {heading, items} of groups) {
      if (heading) {
        headings.push({y: y + 12, text: heading});
        y += 22;
      }
      for (const item of items) {
        rows.push({...item, y});
        y += row_height;
      }
      y += 9;
    }
    return {headings, rows, height: y};
  }

  /// The headings and the names of rows, in the gutter.
  function names_of({headings, rows, height}, top, room = gutter) {
    return group(0, top, width, height, {
      data: [{name: "headings", values: headings}, {name: "rows", values: rows}],
      marks: [
        text_from("headings", {x: 0, y: field("y"), text: field("text"), fontSize: 13, fontWeight: 600}),
        {type: "rect", from: {data: "rows"}, encode: values({
          x: 0, width: 10, y: {field: "y", offset: 8}, height: 10, cornerRadius: 2, fill: field("colour")})},
        text_from("rows", {x: 17, y: {field: "y", offset: 13}, text: field("name"), fontSize: 13, limit: room - 28}),
      ]});
  }

  /// A group that is a room of its own: axes and grids take its size.
  function group(x, y, width, height, content) {
    return {type: "group", encode: values({x, y, width, height}),
            signals: [{name: "width", value: width}, {name: "height", value: height}], ...content};
  }

  const text_of = (channels) => values({font, fontSize: 12.5, fill: ink, baseline: "middle", ...channels});
  const text = (channels) => ({type: "text", encode: text_of(channels)});
  const text_from = (data, channels) => ({type: "text", from: {data}, encode: text_of(channels)});
  /// A group with a caption over it.
  function panel(x, width, height, caption, content) {
    return group(x, panel_top, width, height, {...content, marks: [
      text({x: 0, y: -14, text: caption, fill: quiet, limit: width}), ...content.marks]});
  }

  const linear = (name, domain_max, range_max) =>
    ({name, type: "linear", domain: [0, domain_max || 1], range: [0, range_max], nice: false});

  function specification(height, description, marks, data) {
    return {$schema: "https://vega.github.io/schema/vega/v5.json", description, width, height, padding: 0,
            autosize: "none", data: data || [], marks,
            config: {axis: {labelFont: font, titleFont: font, labelFontSize: 11.5, titleFontSize: 12.5,
                            titleFontWeight: "normal", labelColor: quiet, titleColor: quiet, gridColor: line,
                            domainColor: "#aab3bf", tickColor: "#aab3bf"}}};
  }

  /// Cases of a workload that satisfy a condition, by regime.
  function groups_by_regime(workload, wanted, item_of) {
    const cases = result.cases.filter((one) => one.workload === workload && wanted(one));
    const regimes = [...new Set(cases.map((one) => one.regime))];
    return regimes.map((regime) => ({
      heading: regime,
      items: cases.filter((one) => one.regime === regime)
                  .map((one) => ({name: system_of(one).name, colour: system_of(one).colour, ...item_of(one)}))}));
  }

  const baseline = (height) => ({type: "rule", encode: values({x: 0, y: 0, y2: height - 9, stroke: "#aab3bf"})});

  return {result, ink, quiet, width, gutter, bar, panel_top, whole, short, number, percent, time_unit, system_of,
          values, field, rows_of, names_of, group, text, text_from, panel, linear, specification,
          groups_by_regime, baseline};
})();
