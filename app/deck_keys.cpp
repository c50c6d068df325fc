#include "app/deck_keys.hpp"

#include "app/deck_key_table.hpp"

namespace spnode::app {

namespace {

const KeyTable& table() {
  static const KeyTable all = [] {
    KeyTable t;
    add_data_keys(t);
    add_model_keys(t);
    add_training_keys(t);
    add_result_keys(t);
    return t;
  }();
  return all;
}

}  // namespace

const std::vector<Key>& deck_keys() { return table().keys; }
const std::vector<Section>& deck_sections() { return table().sections; }

}  // namespace spnode::app
