#pragma once

#include <string>

#include "cornu/base/export.h"

// Keras's configuration file (layers.md part 18): $KERAS_HOME/keras.json, else ~/.keras/keras.json.
// Read once, when first asked for; never written. Invalid JSON counts as empty, as in Keras; a bad
// value of a known key throws ValueError naming the file, the key and the value.
namespace cornu {

// "channels_last" or "channels_first": what data_format = None means for layers made from now on.
CORNU_API std::string image_data_format();
CORNU_API void set_image_data_format(const std::string& format);  // ValueError
CORNU_API double epsilon();
CORNU_API void set_epsilon(double value);            // ValueError unless finite and >= 0
CORNU_API std::string floatx();                      // always "float32"
CORNU_API void set_floatx(const std::string& name);  // ValueError unless "float32"

namespace nn {
// Forgets what was read and set, so that the file is read anew (tests).
CORNU_API void reset_keras_json();
}  // namespace nn

}  // namespace cornu
