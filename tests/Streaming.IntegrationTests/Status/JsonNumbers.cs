using System.Text.Json;

namespace Streaming.IntegrationTests.Status;

static class JsonNumbers
{
    public static int Int(this JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
