#include "sim/report/svg.h"

#include <fmt/format.h>

namespace podium {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return result;
}

}  // namespace

void SvgCanvas::rectangle(const Box& box, const std::string& fill, const std::string& stroke, double radius) {
  shapes_ += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:g}\" fill=\"{}\" stroke=\"{}\"/>\n",
      box.x, box.y, box.w, box.h, radius, fill, stroke);
}

void SvgCanvas::line(double x1, double y1, double x2, double y2, const std::string& stroke) {
  lines_ += fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-opacity=\"0.45\"/>\n", x1, y1,
      x2, y2, stroke);
}

void SvgCanvas::text(double x, double y, const std::string& text, double size, const std::string& fill,
                     const std::string& anchor, const std::string& weight) {
  shapes_ += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" fill=\"{}\" text-anchor=\"{}\" "
      "font-weight=\"{}\">{}</text>\n",
      x, y, size, fill, anchor, weight, escaped(text));
}

std::string SvgCanvas::finish(double height) const {
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
             width_, height) +
         lines_ + shapes_ + "</svg>\n";
}

}  // namespace podium
