using System.Text.RegularExpressions;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>What a generation that fails says to the person before it: what happened, what was kept, what to do next.</summary>
public sealed class FailureTests(PostgresServer postgres, Chromium browser)
{
    const string OneIdea = """{"title":"Salt","body":"A lamp that burns on salt."}""";

    static readonly KeyValuePair<string, string> Once = new("Models:RetriesMax", "0");
    static readonly KeyValuePair<string, string>[] Impatient = [Once, new("Models:TokenTimeout", "00:00:01")];

    public static TheoryData<string, string, string, string> Faults => new()
    {
        { "provider", "The model did not answer", "Retry now, or in a few minutes", "Retry now" },
        { "timeout", "The model took too long", "ask for less at once", "Retry now" },
        { "invalid_output", "The answer could not be used", "A model answers differently each time", "Retry now" },
        { "invalid_input", "The model will not do this", "Change what you ask for", "Retry anyway" },
    };

    static Script[] ScriptsOf(string category) => category switch
    {
        "provider" => [Script.Failure(503)],
        "timeout" => [Script.Begin().Stall()],
        "invalid_output" => [Script.Answer("No."), Script.Answer("No.")],
        _ => [Script.Failure(400)],
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Failure_of_the_model_says_what_happened_and_what_to_do_next(string category, string heading, string next, string button)
    {
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, Impatient);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        model.Enqueue(ScriptsOf(category));
        await view.AskForIdeasAsync(ideaCount: 1, userInput: "Storms in jars");

        await ExpectHelpAsync(view, category, heading, next);
        await Expect(page.GetByTestId("retry")).ToHaveTextAsync(button);
        await Expect(view.Error).ToContainTextAsync("No idea was finished.");
        await Expect(page.GetByTestId("download-kept")).ToBeHiddenAsync();
        await page.ReloadAsync();
        await ExpectHelpAsync(view, category, heading, next);

        var change = page.GetByTestId("change-input");
        if (category is "provider" or "timeout")
        {
            await Expect(change).ToBeHiddenAsync();
            model.Enqueue(Script.Answer($$"""{"ideas":[{{OneIdea}}]}"""));
            await page.GetByTestId("retry").ClickAsync();
            await view.ExpectCompletedAsync(ideaCount: 1);
            await Expect(view.Error).ToHaveCountAsync(0);
        }
        else
        {
            await change.ClickAsync();
            await Expect(page.GetByTestId("user-input")).ToHaveValueAsync("Storms in jars");
            await Expect(page.GetByLabel("Genre", new() { Exact = true })).ToHaveValueAsync("Drama / Mystery");
        }

        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Provider_that_asks_to_wait_is_not_asked_before_and_the_button_counts_down()
    {
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, Impatient);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        model.Enqueue(Script.Failure(429, "6", "rate_limit_error"), Script.Answer($$"""{"ideas":[{{OneIdea}}]}"""));
        await view.AskForIdeasAsync(ideaCount: 1);

        await ExpectHelpAsync(view, "rate_limit", "The model is asked too often", "Retry when the provider takes requests again");
        var retry = page.GetByTestId("retry");
        await Expect(retry).ToHaveTextAsync(new Regex(@"^Retry in [1-6] s$"));
        await Expect(retry).ToBeDisabledAsync();
        await Expect(retry).ToHaveTextAsync("Retry now");
        await retry.ClickAsync();
        await view.ExpectCompletedAsync(ideaCount: 1);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task What_was_finished_before_a_failure_is_kept_and_can_be_downloaded()
    {
        var mayFail = new TaskCompletionSource();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, [Once]);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        model.Enqueue(Script.Begin().Deltas($$"""{"ideas":[{{OneIdea}},""", """{"title":"Half""").Gate(mayFail.Task).Close());
        await view.AskForIdeasAsync(ideaCount: 2);
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        mayFail.SetResult();

        await ExpectHelpAsync(view, "provider", "The model did not answer", "Retry now");
        await Expect(view.Error).ToContainTextAsync("Kept: 1 finished idea.");
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByTestId("download-kept").ClickAsync());
        await using var content = await download.CreateReadStreamAsync();
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        using var zip = new System.IO.Compression.ZipArchive(bytes);
        var entry = Assert.Single(zip.Entries);
        using var text = new StreamReader(entry.Open());
        Assert.Contains("A lamp that burns on salt.", await text.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        watched.AssertNoErrors();
    }

    /// <summary>Faults below the model, made in the database as they come about there.</summary>
    [Theory]
    [InlineData("storage", "It could not be stored",
        """
        create function refuse() returns trigger language plpgsql as $$ begin
            if new.chunk_data like '%POISON%' then raise exception 'refused' using errcode = 'data_exception'; end if;
            return new;
        end $$;
        create trigger refuse before insert on transform_chunks for each row execute function refuse();
        """)]
    [InlineData("worker_lost", "The machines that worked on it were lost",
        "update transforms set kind = 'ideation', attempt = 3, losses = 2, lease_expires_at = clock_timestamp() - interval '1 second'; "
        + """update sessions set kind = 'ideation', input = '{"userInput":"x","ideaCount":1}';""")]
    [InlineData("internal", "Something went wrong in the service",
        """update sessions set kind = 'outline', input = '{"title":"without a source"}'; update transforms set kind = 'outline', status = 'queued', attempt = 0;""")]
    public async Task Failure_of_the_service_names_what_the_operator_needs(string category, string heading, string sql)
    {
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, [.. Impatient, new("Transforms:LeaseSeconds", "2")]);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        var id = category == "storage" ? "" : (await host.Client.RelayAsync()).Id();
        await using (var connection = new NpgsqlConnection(host.ConnectionString))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        if (category == "storage")
        {
            model.Enqueue(Script.Answer("POISON"));
            id = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        }

        await page.GotoAsync($"/#/{(category == "internal" ? "outline" : "ideation")}s/{id}");
        await ExpectHelpAsync(view, category, heading, "");
        await Expect(page.GetByTestId("reference")).ToHaveTextAsync(new Regex($"^For the operator: trace [0-9a-f]{{32}}, session {id}$"));
        await Expect(page.GetByTestId("retry")).ToBeEnabledAsync();
    }

    [Fact]
    public async Task Generation_that_was_cancelled_is_no_error_and_can_be_retried()
    {
        var never = new TaskCompletionSource();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, [new("Models:RetriesMax", "0")]);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        model.Enqueue(Script.Begin().Deltas($$"""{"ideas":[{{OneIdea}},""").Gate(never.Task), Script.Answer($$"""{"ideas":[{{OneIdea}},{"title":"Two","body":"Another."}]}"""));
        await view.AskForIdeasAsync(ideaCount: 2);
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        await page.GetByTestId("cancel").ClickAsync();

        await Expect(view.Status).ToHaveTextAsync("cancelled");
        await Expect(view.Error).ToHaveCountAsync(0);
        await Expect(page.Locator(".outcome")).ToContainTextAsync("Kept: 1 finished idea.");
        await page.GetByTestId("retry").ClickAsync();
        await view.ExpectCompletedAsync(ideaCount: 2);
        watched.AssertNoErrors();
    }

    static async Task ExpectHelpAsync(SessionView view, string category, string heading, string next)
    {
        await Expect(view.Status).ToHaveTextAsync("failed");
        await Expect(view.Error).ToHaveAttributeAsync("data-category", category);
        await Expect(view.Error.Locator("h2")).ToHaveTextAsync(heading);
        await Expect(view.Error.Locator(".outcome-next")).ToContainTextAsync(next);
        await Expect(view.Connection).ToHaveTextAsync("ended");
    }
}
