#pragma once

#include <string>

namespace podium {

/// A rectangle on a drawing, or a place for one.
struct Box {
  double x = 0, y = 0, w = 0, h = 0;
  double middle() const { return x + w / 2; }
  double bottom() const { return y + h; }
};

/// A drawing in SVG: lines lie under shapes, whatever the order of the calls.
class SvgCanvas {
 public:
  explicit SvgCanvas(double width) : width_(width) {}

  void rectangle(const Box&, const std::string& fill, const std::string& stroke, double radius = 2);
  void line(double x1, double y1, double x2, double y2, const std::string& stroke);
  /// `anchor` is start, middle or end; `weight` normal or bold.
  void text(double x, double y, const std::string& text, double size, const std::string& fill,
            const std::string& anchor = "start", const std::string& weight = "normal");
  std::string finish(double height) const;

 private:
  double width_;
  std::string lines_;
  std::string shapes_;
};

}  // namespace podium
