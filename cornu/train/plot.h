#pragma once

#include <string>

#include "cornu/base/export.h"
#include "cornu/train/history.h"

namespace cornu {

struct PlotOptions {
  std::string title = "Training curves";
};

// The curves of a History as an SVG picture, 800 pixels wide: losses on the left and, if there are
// any, metrics on the right; training values solid, validation values dashed. The learning rate is
// left out. Values that are not finite leave gaps.
CORNU_API std::string plot_history_svg(const History& history, const PlotOptions& o = {});

}  // namespace cornu
