// Filters, links into them and copying. The page says everything without it, and no name ever becomes markup here.
"use strict";
(() => {
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const form = document.getElementById("filter");
  const findings = all(".finding");
  const groups = all("details.block, div.block, .of-rule, .level");
  const workloads = all(".workload");
  const words = new Map();

  const text = (element) => {
    if (!words.has(element)) words.set(element, element.textContent.toLowerCase());
    return words.get(element);
  };

  function asked() {
    const hash = location.hash.slice(1);
    const query = new URLSearchParams(hash.includes("=") ? hash : "");
    return {
      severity: (query.get("severity") || "").split(",").filter(Boolean),
      cluster: query.has("cluster") ? query.get("cluster") : null,
      rule: query.get("rule") || "",
      text: (query.get("text") || "").trim().toLowerCase(),
    };
  }

  function hashOf(wanted) {
    const query = new URLSearchParams();
    if (wanted.severity.length) query.set("severity", wanted.severity.join(","));
    if (wanted.cluster !== null) query.set("cluster", wanted.cluster);
    if (wanted.rule) query.set("rule", wanted.rule);
    if (wanted.text) query.set("text", wanted.text);
    return query.toString();
  }

  function fits(element, wanted) {
    const has = (value, list) => list.split(" ").includes(value);
    return (
      (!wanted.severity.length || wanted.severity.some((level) => has(level, element.dataset.severity))) &&
      (wanted.cluster === null || wanted.cluster === element.dataset.cluster) &&
      (!wanted.rule || has(wanted.rule, element.dataset.rule)) &&
      (!wanted.text || text(element).includes(wanted.text))
    );
  }

  function apply() {
    const wanted = asked();
    for (const element of findings.concat(workloads)) element.hidden = !fits(element, wanted);
    for (const group of groups) group.hidden = !all(".finding", group).some((finding) => !finding.hidden);
    if (!form) return;
    for (const box of form.elements.severity.length ? form.elements.severity : [form.elements.severity]) {
      box.checked = wanted.severity.includes(box.value);
    }
    form.elements.cluster.value = wanted.cluster === null ? "" : "=" + wanted.cluster;
    form.elements.rule.value = wanted.rule;
    if (form.elements.text.value.trim().toLowerCase() !== wanted.text) form.elements.text.value = wanted.text;
    const shown = findings.filter((finding) => !finding.hidden).length;
    document.getElementById("shown").textContent =
      shown === findings.length ? shown + " findings" : shown + " of " + findings.length + " findings";
  }

  function options(select, values, prefix) {
    for (const value of Array.from(new Set(values)).sort()) {
      const option = document.createElement("option");
      option.value = prefix + value;
      option.textContent = value || "network, no cluster";
      select.append(option);
    }
  }

  function changed() {
    const boxes = all("[name=severity]", form).filter((box) => box.checked);
    const cluster = form.elements.cluster.value;
    const hash = hashOf({
      severity: boxes.map((box) => box.value),
      cluster: cluster === "" ? null : cluster.slice(1),
      rule: form.elements.rule.value,
      text: form.elements.text.value.trim().toLowerCase(),
    });
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    apply();
  }

  function reveal() {
    const hash = location.hash.slice(1);
    if (!hash || hash.includes("=")) return;
    let element = document.getElementById(decodeURIComponent(hash));
    if (!element) return;
    const target = element;
    for (; element; element = element.parentElement) {
      if (element.tagName === "DETAILS") element.open = true;
      element.hidden = false;
    }
    target.scrollIntoView();
  }

  if (form) {
    options(form.elements.cluster, findings.map((finding) => finding.dataset.cluster), "=");
    options(form.elements.rule, findings.map((finding) => finding.dataset.rule), "");
    form.hidden = false;
    form.addEventListener("input", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(changed));
    for (const button of all("button[data-do]", form)) {
      button.addEventListener("click", () => {
        const open = button.dataset.do === "open";
        for (const element of all(".block, .finding")) if (!element.hidden && "open" in element) element.open = open;
      });
    }
    for (const cell of all("[data-to-severity]")) {
      const number = cell.querySelector(".number") || cell;
      if (number.textContent === "0") continue;
      const link = document.createElement("a");
      const cluster = cell.dataset.toCluster === undefined ? null : cell.dataset.toCluster;
      link.href = "#" + hashOf({ severity: [cell.dataset.toSeverity], cluster, rule: "", text: "" });
      link.append(...number.childNodes);
      number.append(link);
      link.addEventListener("click", () => form.scrollIntoView());
    }
  }

  for (const command of all("pre.command")) {
    const box = document.createElement("div");
    const button = document.createElement("button");
    box.className = "command-box";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(command);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    command.replaceWith(box);
    box.append(command, button);
  }

  addEventListener("hashchange", () => {
    apply();
    reveal();
  });
  apply();
  reveal();
  document.documentElement.dataset.script = "on";
})();
