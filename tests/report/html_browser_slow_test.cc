// Opens reports in headless Chromium: no message on the console, and every chart drawn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/report/report.h"
#include "tests/report/example.h"

namespace podium {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The browser's command; empty where there is none.
std::string browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (std::system(("command -v " + std::string(name) + " >/dev/null").c_str()) == 0) {
      return name;
    }
  }
  return "";
}

struct Opened {
  std::string dom;      ///< what the page has become, as HTML
  std::string console;  ///< the lines that the browser's console got
};

class Browser : public testing::Test {
 protected:
  void SetUp() override {
    if (browser().empty()) {
      GTEST_SKIP()
          << "no Chromium: install the Debian package chromium (scripts/setup --test does) to see reports drawn";
    }
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = std::filesystem::path(testing::TempDir()) / "podium-report" / test;
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) {
      std::error_code ignored;
      std::filesystem::remove_all(folder_, ignored);
    }
  }

  Opened open(const std::string& html) const {
    std::ofstream(folder_ / "report.html", std::ios::binary) << html;
    const std::string command =
        "timeout 120 " + browser() +
        " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        " --disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=10000 --dump-dom"
        " --user-data-dir='" +
        (folder_ / "profile").string() + "' 'file://" + (folder_ / "report.html").string() + "' </dev/null >'" +
        (folder_ / "dom").string() + "' 2>'" + (folder_ / "log").string() + "'";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << content(folder_ / "log");
    Opened opened{content(folder_ / "dom"), ""};
    std::ifstream log(folder_ / "log");
    for (std::string line; std::getline(log, line);) {
      if (line.find("CONSOLE") != std::string::npos) {
        opened.console += line + "\n";
      }
    }
    return opened;
  }

 private:
  std::filesystem::path folder_;
};

/// The kinds of the page's charts, in order; each must have been drawn with something in it.
std::vector<std::string> charts_in(std::string dom) {
  dom.resize(std::min(dom.size(), dom.find("<script")));  // the source of the charts is no chart
  const std::string mark = "<figure data-chart=\"";
  std::vector<std::string> kinds;
  for (std::size_t at = dom.find(mark); at != std::string::npos; at = dom.find(mark, at + 1)) {
    const std::string figure = dom.substr(at, dom.find("</figure>", at) - at);
    kinds.push_back(figure.substr(mark.size(), figure.find('"', mark.size()) - mark.size()));
    EXPECT_NE(figure.find("<svg"), std::string::npos) << kinds.back() << " was not drawn";
    EXPECT_NE(figure.find("<path"), std::string::npos) << kinds.back() << " is empty";
    EXPECT_EQ(figure.find("NaN"), std::string::npos) << kinds.back() << " has a place that is no number";
  }
  return kinds;
}

TEST_F(Browser, DrawsAllChartsOfAComparisonWithoutAComplaint) {
  const Opened page = open(to_html(test::example_comparison()));
  EXPECT_EQ(page.console, "");
  EXPECT_THAT(charts_in(page.dom), testing::ElementsAre("throughput", "throughput", "latency", "time", "time", "time",
                                                        "memory", "memory", "tornado", "tornado"));
  const std::size_t chart = page.dom.find("<svg");
  ASSERT_NE(chart, std::string::npos);
  EXPECT_NE(page.dom.find("Huawei CloudMatrix384</text>", chart), std::string::npos);
}

TEST_F(Browser, DrawsAllChartsOfASweepWithoutAComplaint) {
  const Opened page = open(to_html(test::example_sweep()));
  EXPECT_EQ(page.console, "");
  EXPECT_THAT(charts_in(page.dom), testing::ElementsAre("scaling", "scaling"));
}

TEST_F(Browser, DrawsWhatLacksResultsOrHasAwkwardNames) {
  ComparisonResult result = test::example_comparison();
  result.cases[0].plan.clear();
  result.cases[0].throughput = {"output tokens/s", 0, 0, 0, 0, {}};
  result.cases[0].phases.clear();
  result.cases[0].ttft.reset();
  result.cases[0].tpot.reset();
  result.cases[3].workload = "</script> \"quoted\" <b>bold</b> & 'more'";
  result.crossovers.clear();
  const Opened page = open(to_html(result));
  EXPECT_EQ(page.console, "");
  EXPECT_GE(charts_in(page.dom).size(), 8u);

  SweepResult sweep = test::example_sweep();
  for (SweepPoint& point : sweep.points) {
    point.refused = "needs more";
  }
  const Opened empty = open(to_html(sweep));
  EXPECT_EQ(empty.console, "");
  EXPECT_EQ(charts_in(empty.dom).size(), 2u);
}

}  // namespace
}  // namespace podium
