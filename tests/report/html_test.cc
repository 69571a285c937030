#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sim/report/page.h"
#include "sim/report/report.h"
#include "tests/report/example.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What lies between the page's <body> and its first script.
std::string body_of(const std::string& html) {
  const std::size_t begin = html.find("<body>");
  return html.substr(begin, html.find("<script", begin) - begin);
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

TEST(Html, IsTheSameForEqualResults) {
  EXPECT_EQ(to_html(test::example_comparison()), to_html(test::example_comparison()));
}

TEST(Html, FetchesNothingAndForbidsIt) {
  for (const std::string& html : {to_html(test::example_comparison()), to_html(test::example_sweep())}) {
    EXPECT_THAT(html, HasSubstr("content=\"default-src 'none';"));
    EXPECT_THAT(html, Not(HasSubstr("<script src")));
    EXPECT_THAT(html, Not(HasSubstr("@import")));
    EXPECT_THAT(body_of(html), Not(HasSubstr("http")));
  }
}

TEST(Html, FillsTheWholeFrame) { EXPECT_THAT(body_of(to_html(test::example_sweep())), Not(HasSubstr("{{"))); }

TEST(Html, ShowsTextAsTextAndNeverAsMarkup) {
  ComparisonResult result = test::example_comparison();
  const std::string evil = "</script><script>alert('x')</script><b a=\"1\">&{{title}}";
  result.title = result.question = result.cases[0].plan = result.cases[1].workload = result.assumptions[0] = evil;
  result.systems[0].description = result.sources[0].figure.source = result.cases[2].notes.emplace_back(evil);
  const std::string html = to_html(result);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("<b a=")));
  EXPECT_EQ(occurrences(html, "</script>"), 3u);  // the result, Vega, the charts
  EXPECT_THAT(body_of(html), HasSubstr("&lt;/script&gt;&lt;script&gt;alert(&#39;x&#39;)"));
}

TEST(Html, LeadsToEverySectionThatItNames) {
  for (const std::string& html : {to_html(test::example_comparison()), to_html(test::example_sweep())}) {
    const std::string body = body_of(html);
    std::size_t links = 0;
    for (std::size_t at = body.find("href=\"#"); at != std::string::npos; at = body.find("href=\"#", at + 1), ++links) {
      const std::string id = body.substr(at + 7, body.find('"', at + 7) - at - 7);
      EXPECT_EQ(occurrences(body, "id=\"" + id + "\""), 1u) << id;
    }
    EXPECT_GT(links, 0u);
  }
}

TEST(Html, GivesASystemOneColourAndTwelveSystemsTwelve) {
  const std::vector<SystemSummary> systems = test::example_comparison().systems;
  EXPECT_EQ(colour_of(systems, systems[0].name), colour_of(systems, systems[0].name));
  std::vector<SystemSummary> many(12);
  std::set<std::string> colours;
  const std::string page = to_html(test::example_comparison());
  for (SystemSummary& one : many) {
    one.name = std::to_string(&one - many.data());
  }
  for (const SystemSummary& one : many) {
    const std::string colour = colour_of(many, one.name);
    const std::size_t name = colour.find("--system");
    EXPECT_THAT(page, HasSubstr(colour.substr(name, colour.find(')') - name) + ": #")) << "which the page's style has";
    colours.insert(colour);
  }
  EXPECT_EQ(colours.size(), many.size());
}

TEST(Html, SaysOpenlyWhatLimitsTheRate) {
  const std::string body = body_of(to_html(test::example_comparison()));
  const std::size_t said = body.find("What limits the rate"), folded = body.rfind("<details", said);
  ASSERT_NE(said, std::string::npos);
  EXPECT_LT(folded, body.rfind("</details>", said));
}

TEST(Html, ShowsEveryFigureWithItsGradeAndEveryPlanThatWasTried) {
  const ComparisonResult result = test::example_comparison();
  const std::string body = body_of(to_html(result));
  for (const SourceUse& use : result.sources) {
    EXPECT_THAT(body, HasSubstr(prose(use.figure.path).text));
  }
  for (const CaseResult& one : result.cases) {
    for (const Alternative& alternative : one.alternatives) {
      EXPECT_THAT(body, HasSubstr(prose(alternative.plan).text));
      EXPECT_THAT(body, HasSubstr(prose(alternative.refused).text));
    }
  }
}

TEST(Prose, WritesSignsThatPlainTextLacks) {
  EXPECT_EQ(prose("10 us <= 2 ms, tell us").text, "10 µs ≤ 2 ms, tell us");
  EXPECT_EQ(prose("5 users").text, "5 users");
}

}  // namespace
}  // namespace podium
