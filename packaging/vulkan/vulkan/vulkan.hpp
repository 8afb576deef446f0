// Vulkan's C++ header, with what llama.cpp uses and Debian 12's (1.3.239) does not have yet: the layer settings of
// VK_EXT_layer_settings, as the Vulkan specification lays them out. Found before the system's header by
// CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES (packaging/release.sh); with newer headers it adds nothing.
#pragma once
#include_next <vulkan/vulkan.hpp>

#ifndef VK_EXT_layer_settings
#include <cstdint>
#include <vector>

namespace vk {

enum class LayerSettingTypeEXT : int32_t { eBool32 = 0 };

struct LayerSettingEXT {
    const char* pLayerName;
    const char* pSettingName;
    LayerSettingTypeEXT type;
    uint32_t valueCount;
    const void* pValues;
};

struct LayerSettingsCreateInfoEXT {
    // VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT
    VkStructureType sType = static_cast<VkStructureType>(1000496000);
    const void* pNext = nullptr;
    uint32_t settingCount;
    const LayerSettingEXT* pSettings;

    explicit LayerSettingsCreateInfoEXT(const std::vector<LayerSettingEXT>& settings)
        : settingCount(static_cast<uint32_t>(settings.size())), pSettings(settings.data()) {}
};

}  // namespace vk
#endif
