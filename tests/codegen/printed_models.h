#pragma once

#include <vector>

#include "cornu/model/model.h"

// What the printed C++ defines: a function for each of models(), in their order.
const std::vector<cornu::Model (*)()>& printed_models();
